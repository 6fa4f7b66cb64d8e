import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BenchSpec } from './case.js';
import { isMeasured, type OpSuiteOptions, opRatios, runOpSuite } from './op-suite.js';
import type { BenchRow } from './row.js';

/** What was measured together. */
const groups = vi.hoisted(() => [] as BenchSpec[][]);
vi.mock('./run.js', () => ({
  Bench: class {
    constructor(readonly spec: BenchSpec) {}
  },
  runTogether: (benches: { spec: BenchSpec }[]) => {
    groups.push(benches.map(({ spec }) => spec));
    return Promise.resolve(benches.map(({ spec }) => spec));
  },
}));
beforeEach(() => void groups.splice(0));

const options: OpSuiteOptions = {
  ...{ warmUps: 1, runs: 2, log: () => undefined },
  ...{ half: 'bfloat16', batch: 3, xla: false },
};
const formsOf = (specs: readonly BenchSpec[]) => specs.map(({ name, mode, precision }) => [name, mode, precision]);

describe('runOpSuite', () => {
  it('measures an operation against its composed form, each phase for itself', async () => {
    await runOpSuite(['gelu'], options);
    expect(groups.map(([first]) => first!.phase)).toEqual(['forward', 'step']);
    for (const specs of groups) {
      expect(formsOf(specs)).toEqual([
        ['gelu:composed', 'compiled', 'float32'],
        ['gelu', 'compiled', 'float32'],
      ]);
      expect(specs.map(({ batch }) => batch)).toEqual([1, 1]);
    }
  });

  it('measures a block eager, compiled and in half, of the batch that is wanted, through XLA too if wanted', async () => {
    await runOpSuite(['block-64'], { ...options, half: 'float16', xla: true, threads: 4, device: 'gpu' });
    expect(groups).toHaveLength(2);
    expect(formsOf(groups[0]!)).toEqual([
      ['block-64', 'eager', 'float32'],
      ['block-64', 'compiled', 'float32'],
      ['block-64', 'compiled', 'float16'],
      ['block-64', 'xla', 'float32'],
    ]);
    for (const spec of groups.flat()) expect(spec).toMatchObject({ batch: 3, threads: 4, device: 'gpu' });
    await runOpSuite(['block-64'], options);
    expect(groups[2]).toHaveLength(3);
    expect(groups[2]![0]).not.toHaveProperty('threads');
    expect(groups[2]![0]).not.toHaveProperty('device');
  });

  it("measures the engine's own cost alone, and updates as steps", async () => {
    await runOpSuite(['scalar-op', 'captured-700', 'adam-update'], options);
    expect(groups.map((specs) => [specs[0]!.phase, ...formsOf(specs)])).toEqual([
      ['forward', ['scalar-op', 'eager', 'float32']],
      ['forward', ['captured-700', 'compiled', 'float32']],
      ['step', ['adam-update:composed', 'compiled', 'float32'], ['adam-update', 'compiled', 'float32']],
    ]);
  });
});

const row = (changed: Partial<BenchRow>): BenchRow => ({
  ...{ name: 'block-64', phase: 'step', mode: 'eager', precision: 'float32', batch: 2, threads: 2 },
  ...{ bestMs: 100, medianMs: 120, gflops: null, peakRssMiB: 10, device: 'cpu' },
  ...changed,
});

describe('isMeasured', () => {
  it('is what a benchmark is about, and not its preparation', () => {
    const phases = ['load', 'trace', 'first', 'forward', 'step', 'generate'] as const;
    expect(phases.filter((phase) => isMeasured(row({ phase })))).toEqual(['forward', 'step', 'generate']);
    expect(isMeasured(row({ name: 'start-up', phase: 'first' }))).toBe(true);
  });
});

describe('opRatios', () => {
  it('compares compiled with eager, and half with float32 of the same mode', () => {
    const rows = [
      row({}),
      row({ mode: 'compiled', bestMs: 50, medianMs: 80 }),
      row({ mode: 'compiled', precision: 'bfloat16', bestMs: 25, medianMs: 20 }),
      // Another phase, and a preparation: neither is a base.
      row({ phase: 'forward', mode: 'compiled', bestMs: 1 }),
      row({ phase: 'first', mode: 'compiled', bestMs: 1 }),
    ];
    expect(opRatios(rows)).toEqual([
      'step: block-64 compiled float32 is 2.00x as fast as block-64 eager float32 by the best, 1.50x by the median',
      'step: block-64 compiled bfloat16 is 2.00x as fast as block-64 compiled float32 by the best, 4.00x by the median',
    ]);
  });

  it('compares an operation with its composed form, and with no other', () => {
    const compiled = { mode: 'compiled' } as const;
    const rows = [
      row({ ...compiled, name: 'gelu:composed', bestMs: 3, medianMs: 3 }),
      row({ ...compiled, name: 'gelu', bestMs: 2, medianMs: 4 }),
      row({ ...compiled, name: 'silu', bestMs: 1, medianMs: 1 }),
    ];
    expect(opRatios(rows)).toEqual([
      'step: gelu compiled float32 is 1.50x as fast as gelu:composed compiled float32 by the best, 0.75x by the median',
    ]);
  });
});
