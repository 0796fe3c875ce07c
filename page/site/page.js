// Which view is shown, and the status that all of them follow.
import {ask, el, fill, say} from './lib.js';
import {health, overview} from './overview.js';
import {deliveries} from './deliveries.js';
import {delivery} from './delivery.js';
import {destinations} from './destinations.js';
import {explain} from './explain.js';
import {configuration, log} from './agent.js';

// A view is given the element that it fills, what follows the ? of its address, and the latest status, which is null at first.
// It returns what it does with each later status, and when it is left.
const views = {'': overview, deliveries, delivery, destinations, explain, configuration, log};
const main = document.getElementById('main');
let status = null; // the latest
let view = null;

function show() {
  const [path, query] = location.hash.replace(/^#\//, '').replace(/^#.*/, '').split('?');
  view?.leave?.();
  say('');
  const root = el('div'); // its own: an answer that comes late does not show in the next view
  fill(main, root);
  view = (views[path] || overview)(root, new URLSearchParams(query), status);
  for (const a of document.querySelectorAll('nav a')) a.getAttribute('href') === '#/' + path ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current');
  if (status && view.update) view.update(status);
}

const again = 3000; // milliseconds after which a connection is tried anew that the browser has given up

function follow() {
  const events = new EventSource('api/v1/events');
  events.addEventListener('status', take);
  events.addEventListener('fault', e => { tell(JSON.parse(e.data).error); });
  events.addEventListener('error', () => {
    tell('The agent does not answer: what is shown may be old.');
    if (events.readyState !== EventSource.CLOSED) return; // else the browser tries by itself
    ask('status').catch(e => tell('What is shown may be old. ' + e.message));
    setTimeout(follow, again);
  });
}

function tell(trouble) { document.getElementById('connection').textContent = trouble; }

function take(e) {
  status = JSON.parse(e.data);
  tell('');
  document.getElementById('agent').textContent = `${status.agent.name} ${status.agent.version || ''}`;
  document.title = (health(status).bad ? '! ' : '') + status.agent.name + ' - dropferry';
  view?.update?.(status);
}

// Its address would be taken for that of a view.
document.querySelector('.skip').addEventListener('click', e => { e.preventDefault(); main.focus(); });
addEventListener('hashchange', () => { show(); main.focus(); });
show();
follow();
