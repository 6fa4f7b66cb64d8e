import type { TrainEvent } from '@codiff/trainer';
import { describe, expect, it } from 'vitest';
import { duration, TrainShow } from './show.js';

const progress = { epoch: 2, batch: 5, globalStep: 120, batches: 240 };
const paced = (logged: boolean): TrainEvent => ({
  kind: 'pace',
  progress,
  values: { 'train/loss_simple': 0.2, 'train/loss': 0.084123 },
  pace: { imagesPerSecond: 31.52, waitShare: 0.0042, batchesPerSecond: 4 },
  forecast: { done: 0.5, left: 42.4 },
  logged,
});

function shown(isTTY: boolean, columns = 120) {
  const [lines, drawn]: [string[], string[]] = [[], []];
  const show = new TrainShow((line) => lines.push(line), { isTTY, columns, write: (text) => drawn.push(text) });
  return { show, lines, drawn };
}

describe('on a terminal', () => {
  it('draws one bar with loss, images/s and time left, no wider than the screen', () => {
    const { show, lines, drawn } = shown(true);
    show.event(paced(true));
    expect(drawn).toEqual([
      'epoch 2 step 120 [##########..........] loss 0.08412 31.5 images/s, 0.4 % waiting, 0:42 left',
    ]);
    expect(lines).toEqual([]);
    const narrow = shown(true, 30);
    narrow.show.event(paced(false));
    expect(narrow.drawn[0]).toHaveLength(29);
  });

  it('moves the bar below lines, and takes it away at the end', () => {
    const { show, lines, drawn } = shown(true);
    show.event(paced(false));
    show.event({ kind: 'saved', progress });
    show.end();
    show.note('after');
    expect(lines).toEqual(['saved at step 120', 'after']);
    expect(drawn).toEqual([drawn[0], '\r\x1b[2K', drawn[0], '\r\x1b[2K']);
  });
});

it('elsewhere there is a plain line for each line of the log, and nothing is drawn', () => {
  const { show, lines, drawn } = shown(false);
  show.event(paced(false));
  show.event(paced(true));
  show.event({ kind: 'step', progress, values: {} });
  show.event({ kind: 'epoch', progress, seconds: 12.34, peakBytes: 2 ** 30 });
  show.event({ kind: 'validation', progress, values: { 'val/loss': 0.5 } });
  show.event({ kind: 'images', progress, files: ['a', 'b'] });
  show.event({ kind: 'warning', message: 'full' });
  expect(lines).toEqual([
    'epoch 2 batch 5 step 120 train/loss_simple 0.2 train/loss 0.08412 31.5 images/s, 0.4 % waiting, 0:42 left',
    'epoch 2 took 12.3 s, peak memory 1024 MiB',
    'epoch 2 validation val/loss 0.5',
    '2 images at step 120',
    'warning: full',
  ]);
  expect(drawn).toEqual([]);
});

it('says times as people do', () => {
  expect([0.2, 61, 3599.6, 7265].map(duration)).toEqual(['0:00', '1:01', '1:00:00', '2:01:05']);
});
