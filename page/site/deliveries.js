// What was delivered, and what was not, with search.
import {ask, deliveryLink, el, fill, obeyed, plural, size, table, time} from './lib.js';
import {fileNeeds} from './overview.js';

const shown = 200; // at first, and so many more each time that more are wanted

// choice is a list of names to choose from, and any; the one that is chosen may have left the configuration.
function choice(label, name, names, chosen) {
  const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
  return el('label', label, el('select', {name}, el('option', {value: ''}, 'any'), all.map(n => el('option', {value: n, selected: n === chosen ? '' : null}, n))));
}

export function deliveries(root, query, status) {
  const of = key => query.get(key) || '';
  const names = kind => (status?.[kind] || []).map(x => x.name);
  const selects = el('div.choices');
  const choose = () => fill(selects, choice('Folder', 'folder', names('folders'), of('folder')), choice('Destination', 'destination', names('destinations'), of('destination')));
  const form = el('form', {role: 'search'},
    el('label.grow', 'Path', el('input', {name: 'path', type: 'text', placeholder: '*.xml or 2026/**', value: of('path')})), selects,
    el('label', 'Since', el('input', {name: 'since', type: 'date', value: of('since')})),
    el('label', 'Show', el('select', {name: 'failed'}, el('option', {value: ''}, 'delivered'), el('option', {value: 'true', selected: of('failed') ? '' : null}, 'failed, not delivered'))),
    el('button', 'Search'));
  form.addEventListener('submit', e => {
    e.preventDefault();
    location.hash = '#/deliveries?' + new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
  });
  const found = el('div', 'Looking ...');
  fill(root, el('h2', 'Deliveries'), form, found);
  choose();
  let limit = shown;
  const load = () => {
    const q = new URLSearchParams([...query].filter(([, v]) => v));
    if (of('since')) q.set('since', new Date(of('since') + 'T00:00').toISOString());
    q.set('limit', limit);
    ask('history?' + q).then(h => fill(found, of('failed') ? failed(h.failed || []) : delivered(h.deliveries)))
      .catch(e => fill(found, el('p.bad', e.message)));
  };
  const more = n => n === limit ? el('div.buttons', el('button', {type: 'button', onclick: () => { limit += shown; load(); }}, 'Show more')) : '';
  const delivered = all => {
    if (!all.length) return el('p', 'Nothing was delivered that matches.');
    return [el('p.dim', `${plural(all.length, 'delivery', 'deliveries')}, ${size(all.reduce((n, d) => n + d.size, 0))}${all.length === limit ? ': the newest ' + limit : ''}`),
      table(['Delivered', 'File', 'Folder', 'Destination', 'Size', 'Evidence'], all.map(d => [time(d.delivered_at),
        deliveryLink(d, d.path), d.folder, d.destination, size(d.size), d.evidence]), 'Deliveries, the newest first'), more(all.length)];
  };
  const failed = all => all.length ? [el('p.dim', plural(all.length, 'file has failed and is not delivered', 'files have failed and are not delivered')), el('div.cards', all.map(a => fileNeeds(a, status))), more(all.length)] :
    el('p', 'Nothing that matches has failed.');
  load();
  addEventListener(obeyed, load);
  let known = !!status;
  return {leave: () => removeEventListener(obeyed, load), update(s) {
    if (known) return; // else a choice that is being made would be lost
    known = true;
    status = s;
    choose();
  }};
}
