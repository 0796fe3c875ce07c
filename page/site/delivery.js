// One delivery: its receipt, and what happened to it.
import {ask, deliveryLink, el, explainLink, facts, fill, remedy, size, span, story, table, time} from './lib.js';

export function delivery(root, query, status) {
  const why = el('p');
  const tell = () => { if (!why.firstChild && shown) fill(why, explainLink(status, shown)); };
  let shown = null;
  fill(root, el('p', 'Looking ...'));
  ask('delivery?' + new URLSearchParams({id: query.get('id')})).then(told => {
    shown = told.delivery;
    const d = shown, others = told.others || [];
    const seconds = (new Date(d.delivered_at) - new Date(d.ready_at || d.started_at)) / 1000;
    fill(root, el('h2', d.path),
      facts([['Folder', d.folder], ['Destination', el('a', {href: '#/destinations?' + new URLSearchParams({name: d.destination})}, d.destination)], ['Remote path', d.remote_path],
        ['Size', d.size < 1024 ? `${d.size} bytes` : `${size(d.size)} (${d.size} bytes)`], ['SHA-256', d.sha256], ['Evidence', evidence(d)], ['Host key', d.host_key], ['Id', d.id]]),
      el('div.buttons', remedy('Send again', {command: 'resend', target: d.id}, `Send ${d.path} to ${d.destination} again?`)),
      el('h2', 'What happened'), el('p.dim', `Delivered ${seconds < 10 ? seconds.toFixed(2) + ' s' : span(seconds)} after it was ${d.ready_at ? 'ready' : 'begun'}, by the ${d.attempts === 1 ? 'only attempt' : 'last of ' + d.attempts + ' attempts'}.`), story(told.story), why,
      others.length ? [el('h2', 'Other deliveries of this file'), table(['Delivered', 'Destination', 'Size', 'SHA-256'], others.map(d => [deliveryLink(d, time(d.delivered_at)), d.destination, size(d.size), d.sha256.slice(0, 16)]))] : '');
    tell();
  }).catch(e => fill(root, el('p.bad', e.message)));
  return {update(s) { status = s; tell(); }};
}

const means = {
  'remote-hash': 'the server has hashed it', 'check-file': 'the SFTP server has hashed it', 'read-back': 'it was read back and is the same',
  size: 'its size is the same; its content was not compared', inferred: 'concluded after a crash, from what was there',
};
const evidence = d => d.evidence + (means[d.evidence] ? ': ' + means[d.evidence] : '') + (d.command ? `, by ${d.command}` : '');
