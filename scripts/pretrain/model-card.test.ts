import { expect, it } from 'vitest';
import { expectWellFormed } from '../../packages/codiff/test/well-formed.js';
import { curveSvg } from './curve-svg.js';
import { curvesOf, thinned } from './curves.js';
import { exampleRecord } from './example-record.js';
import { modelCard } from './model-card.js';
import { STAGE_NAMES } from './stage-table.js';

it('says of every stage what it is, how it was trained, and what it reaches', () => {
  const card = modelCard(STAGE_NAMES.map(exampleRecord));
  for (const stage of STAGE_NAMES) {
    const record = exampleRecord(stage);
    expect(card).toMatch(new RegExp(`\`(\\.\\./demo_stages/)?${stage}.safetensors\``));
    expect(card).toContain(record.weights.sha256);
    expect(card).toContain(record.command);
    expect(card).toContain(`| ${stage} | 100 x 8 | 23 | bfloat16 | 1.5 | 20 | 0.7 |`);
    expect(card).toContain(`| ${stage} | \`psnr\` | 27.5 | ${stage === 'vae' ? '26, reached' : ''} | 1000 |`);
    expect(card).toContain(`${stage}.svg)`);
  }
  expect(card).toContain('5.60 MB in all, without `encoder`');
  expect(card).toContain('Apache-2.0');
  expect(card).toContain('--seed 7');
});

it('says which stage took longer than it is to take', () => {
  const [mask, text] = [exampleRecord('mask'), exampleRecord('text')];
  expect(modelCard([mask, text])).toContain("By the clock none took longer; at the run's median speed none.");
  expect(modelCard([mask, { ...text, seconds: 3690 }])).toContain(
    "By the clock longer: text (61.5); at the run's median speed none.",
  );
  const long = { ...mask, seconds: 4500, imagesPerSecond: 0.2 };
  expect(modelCard([long, { ...text, seconds: 3690, machine: 'a processor, 1 cores' }])).toContain(
    "By the clock longer: mask (75.0) and text (61.5); at the run's median speed: mask (66.7).",
  );
  expect(modelCard([{ ...text, machine: 'a processor, 1 cores' }])).toContain(
    '**text**, on a processor, 1 core, codiff',
  );
});

it('says which floor is missed', () => {
  const record = exampleRecord('vae');
  const low = { ...record, heldOut: record.heldOut.map((figure) => ({ ...figure, value: 25.9 })) };
  expect(modelCard([low])).toContain('| 25.9 | 26, missed |');
});

it('says what is not trained yet', () => {
  expect(modelCard([exampleRecord('vae')])).toContain('Not trained yet: encoder, mask, text, codiff.');
});

it('draws curves that stand alone, by powers of ten where values span much', () => {
  const svg = curveSvg(exampleRecord('vae'));
  expectWellFormed(`<!DOCTYPE html>\n<html lang="en">${svg.trim()}</html>`);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox=/);
  expect(svg.match(/<polyline points="([^"]+)"/)![1]!.split(' ')).toHaveLength(3);
  expect(svg.match(/<circle/g)).toHaveLength(1);
  expect(svg).toContain('rec_loss, logarithmic');
  const { curves, ...record } = exampleRecord('mask');
  const even = curveSvg({ ...record, curves: { ...curves, train: [[100, 1]], validation: [[100, 1]] } });
  expect(even).not.toContain('NaN');
  expect(even).not.toContain('logarithmic');
});

it('thins a curve to means, and keeps its end', () => {
  const points = Array.from({ length: 100 }, (_, i) => [10 * (i + 1), i === 0 ? Number.NaN : i] as const);
  const thin = thinned(points, 10);
  expect(thin).toHaveLength(10);
  expect(thin.at(-1)).toEqual([1000, 94.5]);
  expect(thinned([[5, 0.123456]], 10)).toEqual([[5, 0.1235]]);
  expect(thinned([])).toEqual([]);
});

it('takes the losses that a stage minimises', () => {
  const scalars = new Map([
    ['train/rec_loss', [[1, 2] as const]],
    ['val/rec_loss', [[1, 3] as const]],
    ['train/loss_simple', [[1, 4] as const]],
  ]);
  expect(curvesOf('vae', { scalars })).toEqual({ name: 'rec_loss', train: [[1, 2]], validation: [[1, 3]] });
  expect(curvesOf('mask', { scalars })).toEqual({ name: 'loss_simple', train: [[1, 4]], validation: [] });
});

it('tells what stages took that were trained once more', () => {
  const text = exampleRecord('text');
  expect(modelCard([text])).not.toContain('once more');
  expect(modelCard([text], [{ ...text, machine: 'a processor, 2 cores', seconds: 2400, imagesPerSecond: 65 }])).toMatch(
    /once more[\s\S]*\| text \| a processor, 2 cores \| 40\.0 \| 65 \| `/,
  );
});
