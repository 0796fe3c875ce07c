// What all views are made of. What is shown comes from the agent's API; names of files are only ever written as text, never as markup.

// shown spells out what could deceive a reader: control characters, and the marks that turn the direction of writing.
export const shown = text => String(text).replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
  c => c === '\n' || c === '\t' ? c : '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

// el makes an element: el('p.dim', {title: 'x'}, 'text', child).
export function el(name, ...rest) {
  const [tag, ...classes] = name.split('.');
  const e = document.createElement(tag);
  if (classes.length) e.className = classes.join(' ');
  for (const r of rest.flat(Infinity)) {
    if (r === null || r === undefined || r === '') continue;
    if (r instanceof Node) e.append(r);
    else if (typeof r === 'object') for (const [k, v] of Object.entries(r)) v === null ? 0 : k.startsWith('on') ? e.addEventListener(k.slice(2), v) : e.setAttribute(k, k === 'title' ? shown(v) : v);
    else e.append(shown(r));
  }
  return e;
}

// fill shows these in the place of what an element holds.
export const fill = (e, ...all) => e.replaceChildren(...all.flat(Infinity).filter(x => x !== '' && x !== null && x !== undefined));

export const plural = (n, one, many = one + 's') => n === 1 ? `1 ${one}` : `${n} ${many}`;
export function size(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return (i ? n.toFixed(1) : n) + ' ' + units[i];
}
export const time = t => t ? el('time', {datetime: t}, new Date(t).toLocaleString()) : '';
export function span(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 60) return seconds + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min ' + seconds % 60 + ' s';
  return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds % 3600 / 60) + ' min';
}

export function say(text) { document.getElementById('said').textContent = text; }

export async function ask(path, options) {
  const answer = await fetch('api/v1/' + path, options);
  const body = await answer.json().catch(() => ({error: answer.statusText}));
  if (answer.status === 401) throw new Error('This browser is not signed in any more: `dropferry page` prints the address that signs it in.');
  if (!answer.ok) throw new Error(body.error || answer.statusText);
  return body;
}

// obeyed is told to views that do not follow the status when a command has changed something.
export const obeyed = 'obeyed';

// outcome says what a command has come to.
function outcome(o) {
  const pauses = (o.pauses || []).map(p => p.id || [p.folder, p.destination].filter(Boolean).join(' to '));
  return ['done',
    o.command === 'reload' && ((o.changes || []).join('; ') || 'nothing in it has changed'),
    o.command === 'resume' && pauses.length && 'still paused: ' + pauses.join(', '),
    o.command === 'retry' && o.released > 1 && plural(o.released, 'file'),
    o.command === 'retry' && o.hastened && plural(o.hastened, 'file is', 'files are') + ' tried at once',
    o.command === 'resend' && `it goes to ${o.remote_path}`,
    o.committing && plural(o.committing, 'file is', 'files are') + ' being published already',
    ...(o.renamed || []).map(r => `it goes to ${r.remote_path}`)].filter(Boolean).join('; ');
}

export async function command(words, what) {
  try {
    const o = await ask('commands', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(words)});
    say(`${what}: ${outcome(o)}`);
    for (const soon of [0, 1500]) setTimeout(() => dispatchEvent(new Event(obeyed)), soon); // what follows of it takes a moment
  } catch (e) {
    say(`${what}: ${e.message}`);
  }
}

// remedy is a button for what a person can do. What cannot be undone is asked for again.
export function remedy(label, words, sure) {
  return el('button', {type: 'button', onclick: () => {
    if (!sure || confirm(sure)) command(words, label);
  }}, label);
}

// table is one that stands on a phone as a list. Its cells are texts, elements, or lists of those. A column without anything in it is left out.
export function table(all, every, caption) {
  const used = all.map((_, i) => every.some(r => r[i] !== '' && r[i] !== null && r[i] !== undefined));
  const names = all.filter((_, i) => used[i]), rows = every.map(r => r.filter((_, i) => used[i]));
  return el('div.rows', el('table.wide', caption ? el('caption.unseen', caption) : '', el('thead', el('tr', names.map(n => el('th', {scope: 'col'}, n)))),
    el('tbody', rows.map(r => el('tr', r.map((c, i) => el('td', {'data-name': names[i]}, c)))))));
}

export const facts = pairs => el('dl', pairs.filter(([, v]) => v !== '' && v !== null && v !== undefined).map(([k, v]) => [el('dt', k), el('dd', v)]));

const states = {good: ['watching', 'polling', 'scanning', 'idle', 'connecting', 'active'], bad: ['blocked', 'halted', 'hanging'], warn: ['waiting', 'paused', 'closed']};

// stateOf is the state of a folder or a destination as a word with a colour.
export const stateOf = state => el('span.state.' + (Object.keys(states).find(k => states[k].includes(state)) || 'plain'), state || 'unknown');

const words = {
  changed: ['changed for the last time'], seen: ['seen for the first time'], settled: ['had settled'], planned: ['planned'], began: ['the first attempt began'], failed: ['an attempt failed', 'bad'], held: ['held for a person', 'bad'], parked: ['given up', 'bad'],
  omitted: ['and more failures', 'bad'], cancelled: ['cancelled'], published: ['published', 'good'], archived: ['archived', 'good'],
};

// story is what happened to a file, moment by moment.
export const story = moments => el('ol.story', (moments || []).filter(m => m.what !== 'ready').map(m => { // it was planned then, which is told too
  const [text, kind] = words[m.what] || [m.what];
  return el(kind ? 'li.' + kind : 'li', m.at ? time(m.at) : el('time', 'then'), ' ', el('strong', text), m.detail ? ': ' + m.detail : '');
}));

// deliveryLink leads to one delivery.
export const deliveryLink = (d, ...text) => el('a', {href: '#/delivery?' + new URLSearchParams({id: d.id})}, ...text);

// explainLink leads to the explanation of a file, {folder, path, path_b64}, in a folder that the status names.
export function explainLink(status, file) {
  const f = (status?.folders || []).find(f => f.name === file.folder);
  if (!f) return '';
  const name = f.path.includes('\\') ? f.path + '\\' + file.path.replaceAll('/', '\\') : f.path + '/' + file.path;
  const query = {path: name};
  if (file.path_b64) query.bytes = base64url(bytesOf(f.path + '/') + atob(file.path_b64)); // what text cannot hold
  return el('a', {href: '#/explain?' + new URLSearchParams(query)}, 'All that is known of this file');
}

// bytesOf returns the bytes of a text in UTF-8, each as a character.
const bytesOf = text => Array.from(new TextEncoder().encode(text), b => String.fromCharCode(b)).join('');
const base64url = bytes => btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

// pathQuery is a path as the API takes it: its bytes in base64url.
export const pathQuery = path => base64url(bytesOf(path));
