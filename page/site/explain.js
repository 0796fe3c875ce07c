// Why a file was, or was not, sent.
import {fileRemedies} from './overview.js';
import {ask, deliveryLink, el, facts, fill, obeyed, pathQuery, size, stateOf, story, table, time} from './lib.js';

export function explain(root, query) {
  const path = query.get('path') || '', bytes = query.get('bytes'); // of a name that is not UTF-8, in base64url
  const form = el('form', el('label.grow', 'Absolute path on the agent\'s machine', el('input', {name: 'path', type: 'text', value: path})), el('button', 'Explain'));
  form.addEventListener('submit', e => {
    e.preventDefault();
    const asked = new URLSearchParams(new FormData(form));
    if (bytes && asked.get('path') === path) asked.set('bytes', bytes); // the same once more
    if (asked.toString() === query.toString()) load(); else location.hash = '#/explain?' + asked;
  });
  const found = el('div');
  fill(root, el('h2', 'Why was a file, or was it not, sent?'), form, found);
  const load = () => path && ask('explain?path=' + (bytes || pathQuery(path))).then(x => fill(found,
    el(['held', 'parked', 'blocked', 'halted', 'failed', 'unreadable'].includes(x.state) ? 'p.health.bad' : x.state === 'delivered' || x.state === 'adopted' ? 'p.health' : 'p.health.plain', el('span.state', x.state), ': ', x.reason), facts([['Folder', x.folder], ['Since', time(x.since)], ['Until', time(x.until)]]),
    (x.routes || []).length ? [el('h2', 'By destination'), table(['Destination', 'State', 'Reason', 'Remote path', 'Attempts', 'Next attempt'],
      x.routes.map(r => [r.destination, stateOf(r.state), r.reason, r.remote_path, r.attempts, time(r.next_attempt)]))] : '',
    (x.routes || []).filter(r => ['held', 'parked', 'failed'].includes(r.state)).map(r => [el('h2', 'What can be done about it for ' + r.destination), fileRemedies({...r, path})]),
    (x.routes || []).filter(r => (r.story || []).length).map(r => [el('h2', 'What happened on the way to ' + r.destination), story(r.story)]),
    (x.receipts || []).length ? [el('h2', 'Receipts'), table(['Delivered', 'Destination', 'Size', 'SHA-256'], x.receipts.map(d => [
      deliveryLink(d, time(d.delivered_at)), d.destination, size(d.size), d.sha256]))] : ''))
    .catch(e => fill(found, el('p.bad', e.message)));
  load();
  addEventListener(obeyed, load);
  return {leave: () => removeEventListener(obeyed, load)};
}
