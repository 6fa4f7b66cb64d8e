/**
 * What brings plots to life: values under the pointer or the arrow keys, names that switch lines off or bring one forward.
 * A plot tells of a click by the event `plotpick`, and takes `plotmark` to mark a place; `detail` is a horizontal value.
 */
export const PLOT_SCRIPT = `
for (const plot of document.querySelectorAll('[data-plot]')) {
  const data = JSON.parse(plot.querySelector('.plot-data').textContent);
  const canvas = plot.querySelector('.canvas');
  const tip = plot.querySelector('.tip');
  const cursor = plot.querySelector('.cursor');
  const mark = plot.querySelector('.mark');
  const off = new Set();
  const share = (v, axis) => {
    const s = axis.scale === 'log' ? Math.log(v / axis.min) / Math.log(axis.max / axis.min) : (v - axis.min) / (axis.max - axis.min);
    return axis.reversed ? 1 - s : s;
  };
  const show = (v) => {
    const n = Math.abs(v);
    if (Number.isInteger(v) && n < 1e7) return String(v);
    return n !== 0 && (n < 1e-3 || n >= 1e7) ? v.toExponential(2).replace('e+', 'e') : String(Number(v.toPrecision(4)));
  };
  const places = [...new Set(data.series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
  let at = -1;
  const nearest = (s) => {
    let best = 0;
    places.forEach((x, i) => { if (Math.abs(share(x, data.x) - s) < Math.abs(share(places[best], data.x) - s)) best = i; });
    return best;
  };
  const valueAt = (series, x) => {
    if (series.style !== 'dots') return series.points.find((p) => p[0] === x)?.[1];
    let found;
    for (const [px, py] of series.points) if (px <= x) found = py;
    return found;
  };
  const hover = (index) => {
    at = index;
    const x = places[index];
    if (x === undefined) return;
    const left = share(x, data.x);
    cursor.style.left = 100 * left + '%';
    tip.replaceChildren();
    const head = document.createElement('b');
    head.textContent = data.x.label.replace(/ \\(.*/, '') + ' ' + show(x);
    tip.append(head);
    const rows = data.series.map((s, i) => [s, i, off.has(i) || s.style === 'faint' && data.series.length > 6 ? undefined : valueAt(s, x)])
      .filter((row) => row[2] !== undefined && row[2] !== null).sort((a, b) => b[2] - a[2]);
    for (const [s, i, value] of rows) {
      const row = document.createElement('div');
      const dash = document.createElement('i');
      dash.style.background = plot.querySelector('.canvas path[data-series="' + i + '"]').style.stroke;
      row.append(dash, s.name + ' ' + show(value));
      tip.append(row);
    }
    tip.style.left = left < 0.5 ? 'calc(' + 100 * left + '% + 12px)' : 'auto';
    tip.style.right = left < 0.5 ? 'auto' : 'calc(' + 100 * (1 - left) + '% + 12px)';
    tip.hidden = cursor.hidden = false;
  };
  const leave = () => { tip.hidden = cursor.hidden = true; };
  const pick = () => { if (places[at] !== undefined) plot.dispatchEvent(new CustomEvent('plotpick', { bubbles: true, detail: places[at] })); };
  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    hover(nearest((event.clientX - box.left) / box.width));
  });
  canvas.addEventListener('pointerleave', leave);
  canvas.addEventListener('blur', leave);
  canvas.addEventListener('click', pick);
  canvas.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Enter') pick();
    if (!way || places.length === 0) return;
    event.preventDefault();
    const forward = data.x.reversed ? -way : way;
    hover(at < 0 ? 0 : Math.min(Math.max(at + forward, 0), places.length - 1));
  });
  plot.addEventListener('plotmark', (event) => {
    mark.style.left = 'calc(' + 100 * share(event.detail, data.x) + '% - 1px)';
    mark.hidden = false;
  });
  for (const button of plot.querySelectorAll('.legend button')) {
    const i = Number(button.dataset.series);
    const path = canvas.querySelector('path[data-series="' + i + '"]');
    const focus = (on) => {
      canvas.classList.toggle('has-focus', on && !off.has(i));
      path.toggleAttribute('data-focus', on);
    };
    button.addEventListener('click', () => {
      if (off.has(i)) off.delete(i); else off.add(i);
      path.toggleAttribute('data-off', off.has(i));
      button.setAttribute('aria-pressed', String(!off.has(i)));
      focus(!off.has(i));
    });
    for (const type of ['pointerenter', 'focus']) button.addEventListener(type, () => focus(true));
    for (const type of ['pointerleave', 'blur']) button.addEventListener(type, () => focus(false));
  }
}
`;
