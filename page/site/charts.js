// What was delivered and how much waited, over a day and over thirty, drawn by uPlot, and in numbers for who cannot see it.
import {ask, el, fill, plural, size, table} from './lib.js';

const spans = [['24h', '24 hours', 'In the last 24 hours'], ['30d', '30 days', 'In the last 30 days']];
const again = 60000; // milliseconds until what has come since is drawn, too
const height = 170;  // of a chart, in pixels
const hour = 3600;

const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const clock = s => new Date(s * 1000).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const day = s => new Date(s * 1000).toLocaleDateString([], {day: 'numeric', month: 'short'});
const rate = n => size(Math.round(n)) + '/s';
const shortRate = n => rate(n).replace('.0 ', ' '); // beside a line of the grid

// charts fills an element with both charts, and returns how they are left.
export function charts(root) {
  let span = spans[0], activity = null, drawn = [];
  const choice = spans.map(s => el('button', {type: 'button', 'aria-pressed': 'false', onclick: () => { span = s; load(); }}, s[1]));
  const throughput = figure('Throughput'), queue = figure('Queue');
  const numbers = el('details.numbers', el('summary', 'The same in numbers'));
  fill(root, el('div.title', el('h2', 'Lately'), el('div.buttons', {role: 'group', 'aria-label': 'Time that is shown'}, choice)),
    el('div.charts', throughput.element, queue.element), numbers);

  const load = async () => {
    const asked = span;
    choice.forEach((b, i) => b.setAttribute('aria-pressed', String(spans[i] === asked)));
    try {
      const a = await ask('activity?span=' + asked[0]);
      if (asked === span && root.isConnected) { activity = a; draw(); }
    } catch (e) {
      throughput.caption.textContent = e.message;
    }
  };
  const draw = () => {
    drawn.forEach(u => u.destroy());
    const d = columns(activity, Date.now() / 1000), total = totals(activity, span[2]);
    throughput.say(total.throughput, i => `${when(d.x[i], activity)}: ${rate(d.rate[i])}, ${plural(d.files[i], 'file')}, ${size(d.bytes[i])}`);
    queue.say(total.queue, i => `${when(d.x[i], activity)}: ` + (d.queued[i] === null ? 'nobody looked' : `${d.queued[i]} to send, ${d.aside[i]} for a person`));
    drawn = [plot(throughput, [d.x, d.rate], [['accent', 'Throughput']], binary, shortRate, 1024), plot(queue, [d.x, d.queued, d.aside], [['accent', 'To send'], ['warn', 'For a person']], decimal, String, 4)];
    const open = numbers.open;
    fill(numbers, el('summary', 'The same in numbers'), inNumbers(activity));
    numbers.open = open;
  };
  const plot = (at, data, ...how) => new uPlot(options(at, data[0], ...how), data, at.canvas);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => { if (activity) draw(); };
  dark.addEventListener('change', redraw);
  const sizes = new ResizeObserver(() => requestAnimationFrame(() => drawn.forEach(u => u.setSize({width: u.root.parentNode.clientWidth, height}))));
  sizes.observe(throughput.canvas);
  const timer = setInterval(load, again);
  load();
  return {leave() {
    clearInterval(timer);
    sizes.disconnect();
    dark.removeEventListener('change', redraw);
    drawn.forEach(u => u.destroy());
    drawn = [];
  }};
}

// figure is a place for one chart, with a line that sums it up or tells of the moment under the pointer.
function figure(name) {
  const caption = el('figcaption', 'Looking ...'), canvas = el('div.canvas', {role: 'img', 'aria-label': name});
  const f = {caption, canvas, element: el('figure.card', el('h3', name), caption, canvas), at: () => ''};
  f.say = (summary, at) => {
    f.summary = summary;
    f.at = at;
    caption.textContent = summary;
    canvas.setAttribute('aria-label', `${name}: ${summary}`);
  };
  return f;
}

// columns turns points into what uPlot takes. Each holds until the next, so that the last is there twice.
export function columns(a, now) {
  const p = a.points;
  const d = {x: p.map(q => Date.parse(q.at) / 1000), files: p.map(q => q.deliveries), bytes: p.map(q => q.bytes), queued: p.map(q => q.queued ?? null), aside: p.map(q => q.aside ?? null)};
  // The last step is not over: what came in it came in less time.
  d.rate = p.map((q, i) => q.bytes / Math.min(a.step_seconds, Math.max(60, now - d.x[i])));
  if (p.length) for (const k in d) d[k].push(k === 'x' ? d.x.at(-1) + a.step_seconds : d[k].at(-1));
  return d;
}

function totals(a, when) {
  const sum = of => a.points.reduce((n, p) => n + of(p), 0), most = of => Math.max(0, ...a.points.map(p => of(p) ?? 0));
  const files = sum(p => p.deliveries);
  const seen = a.points.some(p => p.queued !== undefined);
  return {
    throughput: files ? `${when} ${plural(files, 'file')}, ${size(sum(p => p.bytes))}` : `${when} nothing was delivered`,
    queue: seen ? `${when} at most ${plural(most(p => p.queued), 'file')} to send, ${most(p => p.aside)} for a person` : 'Nobody has looked yet',
  };
}

function when(s, a) {
  const end = s + a.step_seconds;
  return (a.span === '30d' ? day(s) + ', ' : '') + clock(s) + ' to ' + clock(end);
}

const binary = Array.from({length: 50}, (_, i) => 2 ** i);
const decimal = Array.from({length: 10}, (_, i) => [1, 2, 5].map(n => n * 10 ** i)).flat();

function options(at, x, lines, steps, words, least) {
  const font = '12px system-ui, sans-serif', long = x.at(-1) - x[0] > 48 * hour;
  const axis = {stroke: colour('dim'), font, ticks: {show: false}, grid: {stroke: colour('line'), width: 1}};
  return {
    width: at.canvas.clientWidth, height, legend: {show: false}, padding: [8, 22, 0, 0],
    cursor: {drag: {x: false, y: false}, y: false, points: {size: 7}},
    scales: {x: {range: () => [x[0], x.at(-1)]}, y: {range: (_, __, most) => [0, Math.max(least, (most || 0) * 1.1)]}},
    axes: [
      {...axis, grid: {show: false}, size: 26, space: 64, incrs: long ? [1, 2, 5, 10].map(n => n * 24 * hour) : [1, 2, 3, 4, 6, 8, 12].map(n => n * hour), values: (_, all) => all.map(long ? day : clock)},
      {...axis, size: 76, space: 36, incrs: steps, values: (_, all) => all.map(words)},
    ],
    series: [{}, ...lines.map(([name, label], i) => ({
      label, stroke: colour(name), width: long ? 1 : 1.5, fill: i ? undefined : colour(name) + '26', paths: uPlot.paths.stepped({align: 1}), points: {show: false},
    }))],
    hooks: {setCursor: [u => { at.caption.textContent = u.cursor.idx === null || u.cursor.idx === undefined ? at.summary : at.at(u.cursor.idx); }]},
  };
}

// inNumbers is a table of the hours of a day, or of the days of a month, the newest first.
function inNumbers(a) {
  const rows = new Map();
  for (const p of a.points) {
    const s = Date.parse(p.at) / 1000, name = a.span === '30d' ? day(s) : `${day(s)}, ${clock(s).slice(0, 2)} h`;
    const r = rows.get(name) || {files: 0, bytes: 0};
    r.files += p.deliveries;
    r.bytes += p.bytes;
    for (const k of ['queued', 'aside']) if (p[k] !== undefined) r[k] = Math.max(r[k] ?? 0, p[k]);
    rows.set(name, r);
  }
  return table(['Time', 'Delivered', 'Size', 'Most to send', 'Most for a person'],
    [...rows].reverse().map(([name, r]) => [name, String(r.files), size(r.bytes), String(r.queued ?? '-'), String(r.aside ?? '-')]), 'What was delivered and how much waited');
}
