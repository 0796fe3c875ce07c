// What is shown comes from the agent's API; names of files are only ever written as text, never as markup.
const main = document.getElementById('main');
let status = null;   // the latest
let view = null;     // {update} of what is shown
let rates = {};      // of transfers: id -> {sent, at, rate}

// shown spells out what could deceive a reader: control characters, and the marks that turn the direction of writing.
const shown = text => String(text).replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
  c => c === '\n' || c === '\t' ? c : '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

// el makes an element: el('p.dim', {title: 'x'}, 'text', child).
function el(name, ...rest) {
  const [tag, ...classes] = name.split('.');
  const e = document.createElement(tag);
  if (classes.length) e.className = classes.join(' ');
  for (const r of rest.flat(Infinity)) {
    if (r === null || r === undefined || r === '') continue;
    if (r instanceof Node) e.append(r);
    else if (typeof r === 'object') for (const [k, v] of Object.entries(r)) k.startsWith('on') ? e.addEventListener(k.slice(2), v) : e.setAttribute(k, k === 'title' ? shown(v) : v);
    else e.append(shown(r));
  }
  return e;
}

// fill shows these in the place of what an element holds.
const fill = (e, ...all) => e.replaceChildren(...all.flat(Infinity).filter(x => x !== '' && x !== null && x !== undefined));

const plural = (n, one, many = one + 's') => n === 1 ? `1 ${one}` : `${n} ${many}`;
function size(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return (i ? n.toFixed(1) : n) + ' ' + units[i];
}
const time = t => t ? el('time', {datetime: t}, new Date(t).toLocaleString()) : '';
function span(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 60) return seconds + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min ' + seconds % 60 + ' s';
  return Math.floor(seconds / 3600) + ' h ' + Math.floor(seconds % 3600 / 60) + ' min';
}

function say(text) { document.getElementById('said').textContent = text; }

async function ask(path, options) {
  const answer = await fetch('api/v1/' + path, options);
  const body = await answer.json().catch(() => ({error: answer.statusText}));
  if (answer.status === 401) throw new Error('This browser is not signed in any more: `dropferry page` prints the address that signs it in.');
  if (!answer.ok) throw new Error(body.error || answer.statusText);
  return body;
}

async function command(words, what) {
  try {
    const o = await ask('commands', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(words)});
    say(`${what}: done, ${o.count} changed`);
  } catch (e) {
    say(`${what}: ${e.message}`);
  }
}

// remedy is a button for what a person can do. What cannot be undone is asked for again.
function remedy(label, words, sure) {
  return el('button', {type: 'button', onclick: () => {
    if (!sure || confirm(sure)) command(words, label);
  }}, label);
}

// isStopped tells whether nothing can be sent to a destination.
const isStopped = d => d.state === 'blocked' || d.state === 'waiting';

function health(s) {
  const words = [];
  for (const f of s.folders || []) {
    if (f.halted) words.push(`folder ${f.name} is halted`);
    else if (f.state === 'waiting' || f.state === 'hanging') words.push(`folder ${f.name} cannot be read`);
    if (f.stuck) words.push(`${plural(f.stuck, 'file')} in ${f.name} not ready for over an hour`);
  }
  for (const d of s.destinations || []) if (isStopped(d)) words.push(`destination ${d.name} is ${d.state}`);
  const waiting = (s.folders || []).reduce((n, f) => n + f.held + f.parked, 0);
  if (waiting) words.push(`${plural(waiting, 'file waits', 'files wait')} for a person`);
  const queued = (s.destinations || []).reduce((n, d) => n + d.queued, 0);
  const active = (s.transfers || []).length;
  const work = active || queued ? `${plural(active, 'file')} under way, ${queued} queued.` : words.length ? 'Nothing else is to be sent.' : 'Everything is delivered.';
  return words.length ? {bad: true, text: words.join('; ').replace(/^./, c => c.toUpperCase()) + '. ' + work} : {bad: false, text: 'All is well. ' + work};
}

function need(s) {
  const cards = [];
  for (const f of s.folders || []) if (f.halted) {
    cards.push(el('div.card', el('h3', `Folder ${f.name} is halted`), el('p', f.halted.detail), (f.halted.examples || []).length ? el('p.dim', 'such as ' + f.halted.examples.slice(0, 3).join(', ')) : '',
      el('div.buttons', remedy(`Look again at ${f.name}`, {command: 'resume', target: 'folder:' + f.name}),
        f.halted.count ? remedy(`Remove ${plural(f.halted.count, 'file')}`, {command: 'resume', target: 'folder:' + f.name, accept_deletes: f.halted.count}, `Remove up to ${f.halted.count} files at the destinations of ${f.name}?`) : '')));
  }
  for (const d of s.destinations || []) if (isStopped(d)) {
    cards.push(el('div.card', el('h3', `Destination ${d.name} is ${d.state}`), el('p', d.reason), d.next_attempt ? el('p.dim', 'next attempt ', time(d.next_attempt)) : '',
      el('div.buttons', remedy(`Try ${d.name} now`, {command: 'retry', target: 'destination:' + d.name}, d.state === 'blocked' ? 'Every login that is refused is a step towards a locked account. Try again?' : ''))));
  }
  for (const a of s.attention || []) {
    cards.push(el('div.card', el('h3', `${a.path} is ${a.state}`), el('p.dim', `${a.folder} to ${a.destination}, since `, time(a.since)), el('p', a.reason),
      el('div.buttons', remedy('Try again', {command: 'retry', target: a.id}),
        a.state === 'held' ? remedy('Overwrite', {command: 'retry', target: a.id, overwrite: true}, `Replace what stands at ${a.remote_path}?`) : '',
        a.state === 'held' ? remedy('Keep both', {command: 'retry', target: a.id, keep_both: true}) : '',
        remedy('Do not send', {command: 'cancel', target: a.id}, `Do not send ${a.path}?`))));
  }
  return cards;
}

const stateClass = s => s === 'blocked' || s === 'halted' || s === 'hanging' ? 'bad' : s === 'waiting' || s === 'paused' ? 'warn' : 'good';

function isPaused(s, folder, destination) {
  return (s.pauses || []).some(p => !p.id && (p.folder || '') === folder && (p.destination || '') === destination);
}

function pauseButton(s, kind, name) {
  const paused = isPaused(s, kind === 'folder' ? name : '', kind === 'folder' ? '' : name);
  return remedy(`${paused ? 'Resume' : 'Pause'} ${name}`, {command: paused ? 'resume' : 'pause', target: kind + ':' + name});
}

function transfers(s) {
  const now = Date.now();
  const next = {};
  const rows = (s.transfers || []).map(t => {
    const was = rates[t.id] || {sent: t.sent, at: now, rate: 0};
    const passed = (now - was.at) / 1000;
    const rate = passed > .5 ? .6 * was.rate + .4 * Math.max(0, t.sent - was.sent) / passed : was.rate;
    next[t.id] = passed > .5 ? {sent: t.sent, at: now, rate} : was;
    const left = rate > 0 ? ', ' + span((t.size - t.sent) / rate) + ' left' : '';
    return el('div.card', el('h3', t.path), el('p.dim', `to ${t.destination}`), el('progress', {max: Math.max(1, t.size), value: t.size ? t.sent : 1, 'aria-label': t.path}),
      el('p', `${size(t.sent)} of ${size(t.size)}${rate > 0 ? ', ' + size(rate) + '/s' : ''}${left}`));
  });
  rates = next;
  return rows;
}

function overview() {
  const at = {};
  for (const id of ['health', 'need', 'transfers', 'folders', 'destinations']) at[id] = el('div');
  fill(main, at.health, at.need, at.transfers, at.folders, at.destinations);
  const shown = {};
  // What has not changed stays as it is, so that a button keeps its focus.
  const put = (id, key, make) => { if (shown[id] !== key) { shown[id] = key; fill(at[id], ...make()); } };
  return {update(s) {
    const h = health(s);
    put('health', JSON.stringify(h), () => [el(h.bad ? 'p.health.bad' : 'p.health', {role: 'status', id: 'health'}, h.text)]);
    put('need', JSON.stringify([s.folders.map(f => f.halted), s.destinations.map(d => [isStopped(d), d.reason, d.next_attempt]), s.attention]), () => {
      const cards = need(s);
      return cards.length ? [el('h2', 'What needs a person'), el('div.cards', {id: 'need'}, cards)] : [];
    });
    const moving = transfers(s);
    fill(at.transfers, ...(moving.length ? [el('h2', 'Under way'), el('div.cards', {id: 'transfers'}, moving)] : []));
    put('folders', JSON.stringify([s.folders, s.pauses]), () => [el('h2', 'Folders'), el('div.cards', s.folders.map(f => el('div.card',
      el('h3', f.name + ' ', el('span.state.' + stateClass(f.state), f.state)), el('p.dim', `${f.mode}, ${f.path}`),
      el('p', `${plural(f.files, 'file')}, ${f.ready} to deliver, ${f.settling} settling, ${f.held} held, ${f.parked} parked`), el('p', f.reason),
      (f.stuck_files || []).map(x => el('p.warn', `${x.path} is not ready: ${x.reason}`)),
      f.last_scan ? el('p.dim', 'looked through ', time(f.last_scan)) : '', el('div.buttons', pauseButton(s, 'folder', f.name)))))]);
    put('destinations', JSON.stringify([s.destinations, s.pauses]), () => [el('h2', 'Destinations'), el('div.cards', s.destinations.map(d => el('div.card',
      el('h3', d.name + ' ', el('span.state.' + stateClass(d.state), d.state)), el('p', `${d.connected ? 'connected' : 'not connected'}, ${d.queued} queued, ${d.active} under way`),
      el('p', d.reason), el('div.buttons', pauseButton(s, 'destination', d.name)))))]);
  }};
}

function table(names, rows) {
  return el('div.rows', el('table.wide', el('thead', el('tr', names.map(n => el('th', {scope: 'col'}, n)))),
    el('tbody', rows.map(r => el('tr', r.map((c, i) => el('td', {'data-name': names[i]}, c)))))));
}

function deliveries(query) {
  const form = el('form', {role: 'search'},
    el('label', 'Path', el('input', {name: 'path', type: 'text', placeholder: '*.xml or 2026/**', value: query.get('path') || ''})),
    el('label', 'Folder', el('input', {name: 'folder', value: query.get('folder') || ''})),
    el('label', 'Destination', el('input', {name: 'destination', value: query.get('destination') || ''})),
    el('label', 'Since', el('input', {name: 'since', type: 'date', value: query.get('since') || ''})), el('button', 'Search'));
  form.addEventListener('submit', e => {
    e.preventDefault();
    const q = new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
    location.hash = '#/deliveries?' + q;
  });
  const found = el('div', 'Looking ...');
  fill(main, el('h2', 'Deliveries'), form, found);
  const q = new URLSearchParams([...query].filter(([, v]) => v));
  if (q.get('since')) q.set('since', new Date(q.get('since') + 'T00:00').toISOString());
  q.set('limit', 200);
  ask('history?' + q).then(h => {
    if (!h.deliveries.length) return fill(found, el('p', 'Nothing was delivered that matches.'));
    const bytes = h.deliveries.reduce((n, d) => n + d.size, 0);
    fill(found, el('p.dim', `${plural(h.deliveries.length, 'delivery', 'deliveries')}, ${size(bytes)}${h.deliveries.length === 200 ? ': the newest 200' : ''}`),
      table(['Delivered', 'File', 'Folder', 'Destination', 'Size', 'Evidence'], h.deliveries.map(d => [time(d.delivered_at),
        el('a', {href: '#/delivery?' + new URLSearchParams({id: d.id, folder: d.folder, path: d.path})}, d.path), d.folder, d.destination, size(d.size), d.evidence])));
  }).catch(e => fill(found, el('p.bad', e.message)));
  return {};
}

const facts = pairs => el('dl', pairs.filter(([, v]) => v !== '' && v !== null && v !== undefined).map(([k, v]) => [el('dt', k), el('dd', v)]));

function delivery(query) {
  fill(main, el('p', 'Looking ...'));
  ask('history?' + new URLSearchParams({folder: query.get('folder'), path: escaped(query.get('path'))})).then(h => {
    const d = h.deliveries.find(d => d.id === query.get('id'));
    if (!d) return fill(main, el('p', 'There is no such delivery.'));
    const seconds = (new Date(d.delivered_at) - new Date(d.started_at)) / 1000;
    fill(main, el('h2', d.path), facts([['Id', d.id], ['Folder', d.folder], ['Destination', d.destination], ['Remote path', d.remote_path], ['Size', `${size(d.size)} (${d.size} bytes)`],
      ['SHA-256', d.sha256], ['Evidence', d.evidence + (d.command ? `, by ${d.command}` : '')], ['Attempts', d.attempts], ['Began', time(d.started_at)], ['Delivered', time(d.delivered_at)],
      ['Took', seconds.toFixed(2) + ' s'], ['Host key', d.host_key]]),
      el('div.buttons', remedy('Send again', {command: 'resend', target: d.id}, `Send ${d.path} to ${d.destination} again?`)),
      h.deliveries.length > 1 ? [el('h2', 'All deliveries of this file'), table(['Delivered', 'Destination', 'Size', 'SHA-256'], h.deliveries.map(d => [time(d.delivered_at), d.destination, size(d.size), d.sha256.slice(0, 16)]))] : '');
  }).catch(e => fill(main, el('p.bad', e.message)));
  return {};
}

// escaped is a name as a pattern that matches nothing else.
const escaped = name => name.replace(/[\\*?[\]{}]/g, '\\$&');

function explain(query) {
  const form = el('form', el('label', 'Absolute path on the agent\'s machine', el('input', {name: 'path', type: 'text', value: query.get('path') || ''})), el('button', 'Explain'));
  form.addEventListener('submit', e => { e.preventDefault(); location.hash = '#/explain?' + new URLSearchParams(new FormData(form)); });
  const found = el('div');
  fill(main, el('h2', 'Why was a file, or was it not, sent?'), form, found);
  const path = query.get('path');
  if (path) {
    const bytes = String.fromCharCode(...new TextEncoder().encode(path));
    ask('explain?path=' + btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')).then(x => fill(found,
      el('p.health', el('span.state', x.state), ': ', x.reason), facts([['Folder', x.folder], ['Since', time(x.since)], ['Until', time(x.until)]]),
      (x.routes || []).length ? table(['Destination', 'State', 'Reason', 'Remote path', 'Attempts', 'Last error'], x.routes.map(r => [r.destination, r.state, r.reason, r.remote_path, r.attempts, r.last_error])) : '',
      (x.receipts || []).length ? [el('h2', 'Receipts'), table(['Delivered', 'Destination', 'Size', 'SHA-256'], x.receipts.map(d => [time(d.delivered_at), d.destination, size(d.size), d.sha256]))] : ''))
      .catch(e => fill(found, el('p.bad', e.message)));
  }
  return {};
}

function configuration() {
  const text = el('pre', {tabindex: '0'}, 'Looking ...');
  fill(main, el('h2', 'The configuration in effect'), el('p.dim', 'With all defaults. Of secrets it has the places, never the values.'),
    el('div.buttons', remedy('Load the file anew', {command: 'reload', target: ''})), text);
  ask('configuration').then(c => text.textContent = JSON.stringify(c, null, 2)).catch(e => text.textContent = e.message);
  return {};
}

function log() {
  const text = el('pre', {tabindex: '0', 'aria-label': 'The log'}, 'Looking ...');
  fill(main, el('h2', 'The end of the log'), text);
  const load = () => ask('log').then(l => text.textContent = l.lines.join('\n') || 'Nothing yet.').catch(e => text.textContent = e.message);
  load();
  const timer = setInterval(load, 3000);
  return {leave: () => clearInterval(timer)};
}

const views = {'': overview, deliveries, delivery, explain, configuration, log};

function show() {
  const [path, query] = location.hash.replace(/^#\//, '').replace(/^#.*/, '').split('?');
  view?.leave?.();
  say('');
  view = (views[path] || overview)(new URLSearchParams(query));
  for (const a of document.querySelectorAll('nav a')) a.getAttribute('href') === '#/' + path ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current');
  if (status && view.update) view.update(status);
}

const events = new EventSource('api/v1/events');
events.addEventListener('status', e => {
  status = JSON.parse(e.data);
  document.getElementById('connection').textContent = '';
  document.getElementById('agent').textContent = `${status.agent.name} ${status.agent.version || ''}`;
  document.title = (health(status).bad ? '! ' : '') + status.agent.name + ' - dropferry';
  view?.update?.(status);
});
events.addEventListener('error', () => { document.getElementById('connection').textContent = 'The agent does not answer: what is shown may be old.'; });
addEventListener('hashchange', () => { show(); main.focus(); });
show();
