// What is known of the other sides: what each server can do, and what follows from it.
import {ask, el, facts, fill, stateOf, table, time} from './lib.js';

export function destinations(root, query) {
  const list = el('div', 'Looking ...');
  fill(root, el('h2', 'Destinations'), list);
  let last = null;
  const states = {}; // where the state of each stands
  ask('servers').then(known => {
    fill(list, known.destinations.map(d => {
      states[d.name] = {state: el('span'), why: el('p')};
      return el('section.destination', {id: 'destination-' + d.name, 'aria-label': d.name},
        el('h3', d.name + ' ', states[d.name].state), states[d.name].why,
        facts([['Address', d.address], ['Account', d.user], ['Directory', d.root], ['Way', (d.way || []).join(', then ')], ['Host key', d.host_key]]),
        d.only_way ? el('p', 'Other destinations are reached through it; nothing is delivered there.') :
          d.servers.length ? d.servers.map((s, i) => server(s, i, d)) : el('p', 'Nothing is known of the server yet: no session has come so far.'),
        d.only_way ? '' : el('p.dim', `\`dropferry check --connect ${d.name}\` asks the server anew.`));
    }));
    if (!known.destinations.length) fill(list, el('p', 'There is none in the configuration.'));
    show(last);
    const name = query.get('name');
    if (name) document.getElementById('destination-' + name)?.scrollIntoView();
  }).catch(e => fill(list, el('p.bad', e.message)));
  const show = s => {
    last = s;
    for (const d of s?.destinations || []) if (states[d.name]) {
      fill(states[d.name].state, stateOf(d.state));
      states[d.name].why.textContent = d.reason || '';
    }
  };
  return {update: show};
}

function server(s, i, d) {
  return el('div',
    el('p', el('strong', s.banner), el('span.dim', ', probed ', time(s.probed_at), i ? ', answered before' : '')),
    table(['Capability', 'Verdict', 'What follows'], s.findings.map(f => [f.name,
      f.ok ? el('span.good', 'ok') : el('span.warn', 'lacking'), f.text]), `What the server of ${d.name} can do`),
    el('details', el('summary', `Extensions that it announces: ${s.extensions.length}`), el('p', s.extensions.join(', ') || 'none')));
}
