/**
 * The slider: moves the pictures of all panes, paints the influence maps, marks its place in the plots. Influence maps come as
 * grey levels, so that the value under the pointer can be told.
 */
export const STEPS_SCRIPT = `
const holder = document.getElementById('steps-data');
if (holder) {
  const data = JSON.parse(holder.textContent);
  const $ = (id) => document.getElementById(id);
  const slider = $('step');
  const VIRIDIS = ['440154', '472d7b', '3b528b', '2c728e', '21918c', '28ae80', '5ec962', 'addc30', 'fde725']
    .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const colour = (share) => {
    const s = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
    const i = Math.min(Math.floor(s), VIRIDIS.length - 2);
    return VIRIDIS[i].map((level, k) => level + (s - i) * (VIRIDIS[i + 1][k] - level));
  };
  let image = 0;
  const here = (selector) => document.querySelector('.steps[data-image="' + image + '"]').querySelectorAll(selector);
  const levels = new Map();
  const levelsOf = (img) => {
    if (!levels.has(img)) {
      const canvas = document.createElement('canvas');
      canvas.width = img.naturalWidth;
      canvas.height = img.naturalHeight;
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.drawImage(img, 0, 0);
      levels.set(img, context.getImageData(0, 0, canvas.width, canvas.height).data);
    }
    return levels.get(img);
  };
  const size = (img) => [img.naturalWidth / img.dataset.columns, img.naturalHeight / img.dataset.rows];
  const levelAt = (img, frame, x, y) => {
    const [w, h] = size(img);
    const columns = Number(img.dataset.columns);
    const row = Math.floor(frame / columns) * h + y;
    return levelsOf(img)[4 * (row * img.naturalWidth + (frame % columns) * w + x)] / 255;
  };
  const range = (canvas) => $('range') && $('range').value === 'own' ? ownRange() : [0, 1];
  const ownRange = () => {
    const all = [...here('canvas')];
    const low = Math.min(...all.map((c) => Number(c.dataset.low)));
    const high = Math.max(...all.map((c) => Number(c.dataset.high)));
    return low < high ? [low, high] : [0, 1];
  };
  const number = (v) => String(Number(v.toFixed(3)));
  const draw = () => {
    const frame = Number(slider.value);
    const step = data.shown[frame];
    $('where').value = 'step ' + (step + 1) + ' of ' + data.timesteps.length + ', t = ' + data.timesteps[step];
    for (const img of here('.sprite')) {
      const columns = Number(img.dataset.columns);
      const left = 100 * (frame % columns) / columns;
      const top = 100 * Math.floor(frame / columns) / img.dataset.rows;
      img.style.transform = 'translate(-' + left + '%,-' + top + '%)';
    }
    const [low, high] = range();
    if ($('low')) {
      $('low').textContent = number(low);
      $('high').textContent = number(high);
    }
    for (const canvas of here('canvas')) {
      const img = canvas.parentElement.querySelector('.maps');
      if (!img.complete || img.naturalWidth === 0) { img.decode().then(draw); continue; }
      const [w, h] = size(img);
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      const context = canvas.getContext('2d');
      const pixels = context.createImageData(w, h);
      let sum = 0;
      for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
        const value = levelAt(img, frame, x, y);
        sum += value;
        const [r, g, b] = colour((value - low) / (high - low));
        pixels.data.set([r, g, b, 255], 4 * (y * w + x));
      }
      context.putImageData(pixels, 0, 0);
      canvas.closest('figure').querySelector('.mean').textContent = 'mean ' + (sum / (w * h)).toFixed(2);
    }
    for (const plot of document.querySelectorAll('.plots[data-image="' + image + '"] [data-plot]'))
      plot.dispatchEvent(new CustomEvent('plotmark', { detail: data.timesteps[step] }));
  };
  const choose = (index) => {
    image = index;
    for (const part of document.querySelectorAll('.steps,.plots[data-image]')) part.hidden = Number(part.dataset.image) !== index;
    for (const button of document.querySelectorAll('.pick')) button.setAttribute('aria-current', String(Number(button.dataset.image) === index));
    draw();
  };
  slider.addEventListener('input', draw);
  $('range')?.addEventListener('change', draw);
  for (const button of document.querySelectorAll('.pick')) button.addEventListener('click', () => choose(Number(button.dataset.image)));
  document.addEventListener('plotpick', (event) => {
    let best = 0;
    data.shown.forEach((step, i) => {
      if (Math.abs(data.timesteps[step] - event.detail) < Math.abs(data.timesteps[data.shown[best]] - event.detail)) best = i;
    });
    slider.value = best;
    draw();
  });
  let timer;
  const stop = () => { clearInterval(timer); timer = undefined; $('play').textContent = 'Play'; $('play').setAttribute('aria-pressed', 'false'); };
  $('play').addEventListener('click', () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    $('play').textContent = 'Stop';
    $('play').setAttribute('aria-pressed', 'true');
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      draw();
      if (slider.value === slider.max) stop();
    }, 120);
  });
  if (data.labels) {
    const { side, letters } = data.labels;
    let path = '';
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
      const i = y * side + x;
      if (x + 1 < side && letters[i] !== letters[i + 1]) path += 'M' + (x + 1) + ' ' + y + 'v1';
      if (y + 1 < side && letters[i] !== letters[i + side]) path += 'M' + x + ' ' + (y + 1) + 'h1';
    }
    for (const outline of document.querySelectorAll('.outline')) {
      outline.setAttribute('viewBox', '0 0 ' + side + ' ' + side);
      outline.querySelector('path').setAttribute('d', path);
    }
    $('outline').addEventListener('change', (event) => {
      for (const outline of document.querySelectorAll('.outline')) outline.toggleAttribute('hidden', !event.target.checked);
    });
  }
  for (const canvas of document.querySelectorAll('.frame canvas')) {
    canvas.addEventListener('pointermove', (event) => {
      const img = canvas.parentElement.querySelector('.maps');
      const [w, h] = size(img);
      const box = canvas.getBoundingClientRect();
      const x = Math.min(w - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * w)));
      const y = Math.min(h - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * h)));
      const label = data.labels ? data.classes[data.labels.letters.charCodeAt(y * data.labels.side + x) - 65] + ': ' : '';
      $('probe').value = label + number(levelAt(img, Number(slider.value), x, y));
    });
    canvas.addEventListener('pointerleave', () => { $('probe').value = ''; });
  }
  $('csv')?.addEventListener('click', () => {
    const rows = ['image,plot,line,t,mean_influence'];
    for (const group of document.querySelectorAll('.plots[data-image]')) for (const plot of group.querySelectorAll('[data-plot]')) {
      const title = plot.querySelector('figcaption').textContent;
      for (const { name, points } of JSON.parse(plot.querySelector('.plot-data').textContent).series)
        for (const [t, value] of points) rows.push([group.dataset.image, title, name, t, value].join(','));
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([rows.join('\\n') + '\\n'], { type: 'text/csv' }));
    link.download = 'influence.csv';
    link.click();
  });
  // report.html#step=25 opens at the 25th place of the slider.
  const asked = /step=(\\d+)/.exec(location.hash);
  if (asked) slider.value = Number(asked[1]) - 1;
  choose(0);
}
`;
