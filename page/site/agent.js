// What the agent itself says: its configuration and its log.
import {ask, el, fill, remedy} from './lib.js';

export function configuration(root) {
  const text = el('pre', {tabindex: '0', 'aria-label': 'The configuration'}, 'Looking ...');
  fill(root, el('h2', 'The configuration in effect'), el('p.dim', 'With all defaults. Of secrets it has the places, never the values.'),
    el('div.buttons', remedy('Load the file anew', {command: 'reload', target: ''})), text);
  ask('configuration').then(c => text.textContent = JSON.stringify(c, null, 2)).catch(e => text.textContent = e.message);
  return {};
}

const logEvery = 3000; // milliseconds between two looks at the log

export function log(root) {
  const text = el('pre', {tabindex: '0', 'aria-label': 'The log'}, 'Looking ...');
  const only = el('input', {type: 'text', name: 'only', placeholder: 'level=WARN or a name'});
  const follow = el('input', {type: 'checkbox', name: 'follow', checked: ''});
  fill(root, el('h2', 'The end of the log'),
    el('form', el('label', 'Only lines with', only), el('label.inline', follow, 'Follow')), text);
  let lines = [];
  const draw = () => {
    const found = lines.filter(l => l.toLowerCase().includes(only.value.toLowerCase()));
    fill(text, found.length ? found.map(l => el(/level=(ERROR|WARN)/.test(l) ? 'span.warn' : 'span', l + '\n')) : lines.length ? 'No line has that.' : 'Nothing yet.');
    if (follow.checked) text.scrollTop = text.scrollHeight;
  };
  const load = () => ask('log').then(l => {
    if (JSON.stringify(l.lines) !== JSON.stringify(lines) || !lines.length) { lines = l.lines; draw(); }
  }).catch(e => text.textContent = e.message);
  only.addEventListener('input', draw);
  follow.addEventListener('change', draw);
  root.querySelector('form').addEventListener('submit', e => e.preventDefault());
  load();
  const timer = setInterval(load, logEvery);
  return {leave: () => clearInterval(timer)};
}
