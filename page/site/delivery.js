// One delivery.
import {ask, el, facts, fill, remedy, size, table, time} from './lib.js';

// escaped is a name as a pattern that matches nothing else.
const escaped = name => name.replace(/[\\*?[\]{}]/g, '\\$&');

export function delivery(root, query) {
  fill(root, el('p', 'Looking ...'));
  ask('history?' + new URLSearchParams({folder: query.get('folder'), path: escaped(query.get('path'))})).then(h => {
    const d = h.deliveries.find(d => d.id === query.get('id'));
    if (!d) return fill(root, el('p', 'There is no such delivery.'));
    const seconds = (new Date(d.delivered_at) - new Date(d.started_at)) / 1000;
    fill(root, el('h2', d.path), facts([['Id', d.id], ['Folder', d.folder], ['Destination', d.destination], ['Remote path', d.remote_path], ['Size', `${size(d.size)} (${d.size} bytes)`],
      ['SHA-256', d.sha256], ['Evidence', d.evidence + (d.command ? `, by ${d.command}` : '')], ['Attempts', d.attempts], ['Began', time(d.started_at)], ['Delivered', time(d.delivered_at)],
      ['Took', seconds.toFixed(2) + ' s'], ['Host key', d.host_key]]),
      el('div.buttons', remedy('Send again', {command: 'resend', target: d.id}, `Send ${d.path} to ${d.destination} again?`)),
      h.deliveries.length > 1 ? [el('h2', 'All deliveries of this file'), table(['Delivered', 'Destination', 'Size', 'SHA-256'], h.deliveries.map(d => [time(d.delivered_at), d.destination, size(d.size), d.sha256.slice(0, 16)]))] : '');
  }).catch(e => fill(root, el('p.bad', e.message)));
  return {};
}
