// What is going on, what needs a person, and its remedies.
import {charts} from './charts.js';
import {el, explainLink, facts, fill, plural, remedy, size, span, stateOf, time} from './lib.js';

// isStopped tells whether nothing can be sent to a destination: to dial it once more is no sign that it is well.
const isStopped = d => d.state === 'blocked' || d.state === 'waiting' || d.state === 'connecting' && d.reason;

export function health(s) {
  const words = [];
  let unseen = 0; // folders that were not looked through yet
  for (const f of s.folders || []) {
    if (f.halted) words.push(`folder ${f.name} is halted`);
    else if (f.state === 'waiting' || f.state === 'hanging') words.push(`folder ${f.name} cannot be read`);
    else if (!f.last_scan) unseen++;
    if (f.unmounted?.length) words.push(`something in folder ${f.name} is not mounted`);
    if (f.stuck) words.push(`${plural(f.stuck, 'file')} of folder ${f.name} not ready for over an hour`);
    for (const w of f.waiting || []) words.push(`in folder ${f.name} ${plural(w.files, 'file waits', 'files wait')} for another one`);
  }
  for (const d of s.destinations || []) if (isStopped(d)) words.push(`destination ${d.name} ${d.state === 'blocked' ? 'is blocked' : 'cannot be used now'}`);
  const waiting = (s.folders || []).reduce((n, f) => n + f.held + f.parked, 0);
  if (waiting) words.push(`${plural(waiting, 'file waits', 'files wait')} for a person`);
  const queued = (s.destinations || []).reduce((n, d) => n + d.queued, 0);
  const active = (s.transfers || []).length;
  const work = active || queued ? `${plural(active, 'file')} under way, ${queued} queued.` : unseen ? 'Not everything was looked through yet.' : words.length ? 'Nothing else is to be sent.' : 'Everything is delivered.';
  return words.length ? {bad: true, text: words.join('; ').replace(/^./, c => c.toUpperCase()) + '. ' + work} : {bad: false, text: 'All is well. ' + work};
}

// need returns a card for each thing that waits for a person, with a button for each remedy.
function need(s) {
  const folders = s.folders || [], destinations = s.destinations || [];
  return [...folders.flatMap(folderNeeds), ...destinations.flatMap(destinationNeeds), ...(s.attention || []).map(a => fileNeeds(a, s)), ...moreNeeds(s),
    ...folders.flatMap(standstills), ...destinations.flatMap(warnings), ...(s.left || []).map(leftNeeds)];
}

const card = (title, ...rest) => el('div.card', el('h3', title), ...rest);
const buttons = (...all) => el('div.buttons', ...all);

function folderNeeds(f) {
  const all = [], target = 'folder:' + f.name;
  if (f.halted) all.push(card(`Folder ${f.name} is halted`, el('p', f.halted.detail),
    buttons(remedy(`Look again at ${f.name}`, {command: 'resume', target}),
      f.halted.count ? remedy(`Remove ${plural(f.halted.count, 'file')}`, {command: 'resume', target, accept_deletes: f.halted.count}, `Remove up to ${f.halted.count} files at the destinations of ${f.name}?`) : '')));
  if ((f.unmounted || []).length) all.push(card(`In ${f.name} something is not mounted`, el('p', `What lies at ${f.unmounted.join(', ')} is unknown, so nothing of it is sent or removed. Mount it again, or say that it is gone.`),
    buttons(remedy(`It is gone from ${f.name}`, {command: 'resume', target, accept_unmounted: true}, `What was mounted in ${f.name} does not come back? A mirror that deletes removes it at its destinations.`))));
  return all;
}

function standstills(f) {
  return (f.waiting || []).map(w => card(`${plural(w.files, 'file waits', 'files wait')} in ${f.name} for another one`,
    el('p.dim', `to ${w.destination}, by the order of the folder (${w.rule})`), el('p', [w.path, 'they wait for ' + w.reason].filter(Boolean).join(': '))));
}

function warnings(d) {
  return (d.warnings || []).map(w => card(`A warning about ${d.name}`, el('p', w)));
}

function destinationNeeds(d) {
  if (!isStopped(d)) return [];
  return [card(`Destination ${d.name} ${d.state === 'blocked' ? 'is blocked' : 'cannot be used now'}`, el('p', d.reason), d.hint ? el('p', 'What to do: ' + d.hint) : '', d.next_attempt ? el('p.dim', 'next attempt ', time(d.next_attempt)) : '',
    buttons(remedy(`Try ${d.name} now`, {command: 'retry', target: 'destination:' + d.name}, d.state === 'blocked' ? 'Every login that is refused is a step towards a locked account. Try again?' : '')))];
}

// side is what a person needs to know of one of two files that want the same name.
const side = c => c && (c.kind === 'file' ? [`${size(c.size)}, from `, time(c.mtime), c.sha256 ? `, SHA-256 ${c.sha256.slice(0, 16)}…` : ''] : c.kind === 'directory' ? 'a directory' : 'something that is no file');

// fileNeeds is the card of one file that is held or given up.
export function fileNeeds(a, s) {
  return card(`${a.path} is ${a.state}`, el('p.dim', `${a.folder} to ${a.destination}, since `, time(a.since)), el('p', a.theirs ? `Something else stands at ${a.remote_path}:` : a.reason), a.theirs ? facts([['Here', side(a.ours)], ['There', side(a.theirs)]]) : '', el('p', explainLink(s, a)), fileRemedies(a));
}

// fileRemedies are the buttons for one file that is held, given up, or tried again.
export function fileRemedies(a) {
  return buttons(remedy('Try again', {command: 'retry', target: a.id}),
    a.state === 'held' ? remedy('Overwrite', {command: 'retry', target: a.id, overwrite: true}, `Replace what stands at ${a.remote_path}?`) : '',
    a.state === 'held' ? remedy('Keep both', {command: 'retry', target: a.id, keep_both: true}) : '',
    remedy('Do not send', {command: 'cancel', target: a.id}, `Do not send ${a.path}?`));
}

// moreNeeds tells of the files of which the status has no room.
function moreNeeds(s) {
  const more = (s.folders || []).reduce((n, f) => n + f.held + f.parked, 0) - (s.attention || []).length;
  return more > 0 ? [card(`${plural(more, 'more file waits', 'more files wait')} for a person`, el('p', el('a', {href: '#/deliveries?failed=true'}, 'All that is not delivered')))] : [];
}

function leftNeeds(l) {
  const open = l.planned + l.committing + l.held + l.parked;
  return card(`${l.folder} to ${l.destination} has left the configuration`, el('p', `${plural(open, 'file is', 'files are')} not delivered there, and never will be.`),
    buttons(remedy('Do not send them', {command: 'cancel', target: l.folder + '/' + l.destination}, `Give up what was to go from ${l.folder} to ${l.destination}?`)));
}

function isPaused(s, folder, destination) {
  return (s.pauses || []).some(p => !p.id && (p.folder || '') === folder && (p.destination || '') === destination);
}

function pauseButton(s, kind, name) {
  const paused = isPaused(s, kind === 'folder' ? name : '', kind === 'folder' ? '' : name);
  return remedy(`${paused ? 'Resume' : 'Pause'} ${name}`, {command: paused ? 'resume' : 'pause', target: kind + ':' + name});
}

// pausesOfOthers are those that no button of a folder or a destination ends: of routes, and of single files.
function pausesOfOthers(s) {
  return (s.pauses || []).filter(p => p.id || p.folder && p.destination).map(p => {
    const target = p.id || p.folder + '/' + p.destination;
    return el('p', `${p.id ? 'One file of ' : ''}${p.folder} to ${p.destination} is paused since `, time(p.since), ' ', remedy('Resume ' + target, {command: 'resume', target}));
  });
}

let rates = {}; // of transfers: id -> {sent, at, rate}

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


const counted = pairs => pairs.filter(([n]) => n).map(([n, what]) => `${n} ${what}`).join(', ');

function folderCard(s, f) {
  return el('div.card', el('h3', f.name + ' ', stateOf(f.state)), el('p.dim', `${f.mode}, ${f.path}`),
    el('p', [plural(f.files, 'file'), counted([[f.ready, 'to deliver'], [f.settling, 'settling'], [f.held, 'held'], [f.parked, 'parked']])].filter(Boolean).join(', ')), f.reason ? el('p', f.reason) : '',
    (f.stuck_files || []).map(x => el('p.warn', `${x.path} is not ready: ${x.reason}`)),
    f.last_scan ? el('p.dim', 'looked through ', time(f.last_scan)) : '', el('div.buttons', pauseButton(s, 'folder', f.name)));
}

function destinationCard(s, d) {
  return el('div.card', el('h3', el('a', {href: '#/destinations?' + new URLSearchParams({name: d.name})}, d.name), ' ', stateOf(d.state)),
    el('p', [d.connected ? 'connected' : 'not connected', counted([[d.queued, 'queued'], [d.active, 'under way']])].filter(Boolean).join(', ')),
    d.reason ? el('p', d.reason) : '', d.bandwidth ? el('p.dim', `at most ${size(d.bandwidth)}/s`) : '', el('div.buttons', pauseButton(s, 'destination', d.name)));
}

export function overview(root) {
  const at = {};
  for (const id of ['health', 'need', 'transfers', 'charts', 'folders', 'destinations']) at[id] = el('div');
  at.health.setAttribute('role', 'status'); // it is read aloud when it changes
  fill(root, Object.values(at));
  const drawn = charts(at.charts);
  const shown = {};
  // What has not changed stays as it is, so that a button keeps its focus.
  const put = (id, of, make) => {
    const key = JSON.stringify(of);
    if (shown[id] !== key) { shown[id] = key; fill(at[id], ...make()); }
  };
  return {leave: drawn.leave, update(s) {
    const h = health(s);
    put('health', h, () => [el(h.bad ? 'p.health.bad' : 'p.health', {id: 'health'}, h.text)]);
    put('need', [s.folders.map(f => [f.halted, f.unmounted, f.waiting, f.held, f.parked]), s.destinations.map(d => [isStopped(d), d.reason, d.next_attempt, d.warnings]), s.attention, s.left], () => {
      const cards = need(s);
      return cards.length ? [el('h2', 'What needs a person'), el('div.cards', {id: 'need'}, cards)] : [];
    });
    const moving = transfers(s);
    fill(at.transfers, ...(moving.length ? [el('h2', 'Under way'), el('div.cards', {id: 'transfers'}, moving)] : []));
    put('folders', [s.folders, s.pauses], () => [el('h2', 'Folders'), el('div.cards', s.folders.map(f => folderCard(s, f))), ...pausesOfOthers(s)]);
    put('destinations', [s.destinations, s.pauses], () => [el('h2', 'Destinations'), el('div.cards', s.destinations.map(d => destinationCard(s, d)))]);
  }};
}
