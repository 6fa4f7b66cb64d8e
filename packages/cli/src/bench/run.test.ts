import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BenchSpec } from './case.js';
import type { Answer, Order } from './child.js';
import type { BenchRow } from './row.js';
import { Bench, type Contestant, runTogether } from './run.js';

/** What children were told, and what they say they took: the first run 30 ms, later ones 10, 11, ... */
const { orders, killed, child } = vi.hoisted(() => ({
  orders: [] as string[],
  killed: [] as string[],
  child: { flops: 2e7 as number | null, probe: [1, 2] as number[] | undefined },
}));
vi.mock('./bench-child.js', () => ({
  BenchChild: class {
    private runs = 0;
    constructor(private readonly name: string) {}
    ask(order: Order): Promise<Answer> {
      orders.push(order.kind);
      if (order.kind === 'open')
        return Promise.resolve({ kind: 'opened', loadMs: 500, info: { threads: 2, device: 'cpu' } } as Answer);
      if (order.kind === 'stop') return Promise.resolve({ kind: 'stopped', peakRssMiB: 100, flops: child.flops });
      const ms = this.runs++ === 0 ? 30 : 8 + this.runs;
      return Promise.resolve({ kind: 'ran', ms, callMs: 20, ...(child.probe ? { probe: child.probe } : {}) });
    }
    kill(): void {
      killed.push(this.name);
    }
  },
}));

beforeEach(() => {
  orders.splice(0);
  killed.splice(0);
  Object.assign(child, { flops: 2e7, probe: [1, 2] });
});
const spec: BenchSpec = { name: 'block-64', phase: 'step', mode: 'compiled', precision: 'float32', batch: 2 };
const noLog = () => undefined;

describe('Bench', () => {
  const measured = async (changed: Partial<BenchSpec> = {}) => {
    const bench = new Bench({ ...spec, ...changed });
    const probe = await bench.prepare(3, noLog);
    const times = [await bench.run(), await bench.run()];
    return { probe, rows: await bench.finish(times) };
  };

  it('gives a row for loading, tracing, the first run and the measured phase', async () => {
    const { rows, probe } = await measured();
    const common = { name: 'block-64', mode: 'compiled', precision: 'float32', batch: 2, threads: 2, device: 'cpu' };
    const single = (ms: number) => ({ bestMs: ms, medianMs: ms, gflops: null, peakRssMiB: 100 });
    expect(rows).toEqual([
      { ...common, phase: 'trace', ...single(20) },
      { ...common, phase: 'load', ...single(500) },
      { ...common, phase: 'first', ...single(30) },
      // Runs 4 and 5; 2e7 operations in 12 ms are 1.67e9 in a second.
      { ...common, phase: 'step', bestMs: 12, medianMs: 12.5, gflops: 2e7 / 12 / 1e6, peakRssMiB: 100 },
    ]);
    expect(probe).toEqual([1, 2]);
    expect(orders).toEqual(['open', 'run', 'run', 'run', 'run', 'run', 'stop']);
  });

  it('traces nothing in eager mode', async () => {
    const { rows } = await measured({ mode: 'eager', phase: 'forward' });
    expect(rows.map(({ phase }) => phase)).toEqual(['load', 'first', 'forward']);
  });

  it('says nothing of arithmetic that is not known, and has no numbers to compare where the child sends none', async () => {
    Object.assign(child, { flops: null, probe: undefined });
    const { rows, probe } = await measured();
    expect(rows.map(({ gflops }) => gflops)).toEqual([null, null, null, null]);
    expect(probe).toEqual([]);
  });

  it('ends its own child', () => {
    new Bench(spec).kill();
    expect(killed).toEqual(['block-64']);
  });
});

describe('runTogether', () => {
  const said: string[] = [];
  beforeEach(() => void said.splice(0));
  const contestant = (name: string, failing?: 'prepare' | 'run'): Contestant => ({
    prepare: (warmUps) => {
      said.push(`${name} warm ${warmUps}`);
      return failing === 'prepare' ? Promise.reject(new Error('no memory')) : Promise.resolve([name.length]);
    },
    run: () => {
      said.push(`${name} run`);
      return failing === 'run' ? Promise.reject(new Error('broke')) : Promise.resolve(said.length);
    },
    finish: (times) => Promise.resolve([{ name, bestMs: times[0], medianMs: times[1] } as BenchRow]),
    kill: () => void said.push(`${name} killed`),
  });
  const options = { warmUps: 2, runs: 2, log: noLog };

  it('runs them in turn, and gives each its own times', async () => {
    const compared: unknown[] = [];
    const rows = await runTogether([contestant('a'), contestant('bb')], options, (probes) => compared.push(probes));
    expect(said).toEqual(['a warm 2', 'bb warm 2', 'a run', 'bb run', 'a run', 'bb run']);
    expect(rows).toEqual([
      { name: 'a', bestMs: 3, medianMs: 5 },
      { name: 'bb', bestMs: 4, medianMs: 6 },
    ]);
    expect(compared).toEqual([[[1], [2]]]);
  });

  it.each(['prepare', 'run'] as const)('ends all of them if one fails to %s', async (when) => {
    await expect(runTogether([contestant('a'), contestant('bb', when)], options)).rejects.toThrow(/no memory|broke/);
    expect(said.slice(-2)).toEqual(['a killed', 'bb killed']);
  });

  it('ends all of them if their results differ', async () => {
    const differ = () => {
      throw new Error('results differ');
    };
    await expect(runTogether([contestant('a')], options, differ)).rejects.toThrow('results differ');
    expect(said).toEqual(['a warm 2', 'a killed']);
  });
});
