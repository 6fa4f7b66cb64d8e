import type { BenchSpec } from './case.js';
import { COMPOSED, phasesOf } from './op-cases.js';
import type { BenchRow } from './row.js';
import { Bench, type RunOptions, runTogether } from './run.js';

/** What the command says about operations and blocks. */
export interface OpSuiteOptions extends RunOptions {
  /** The short precision of the device. */
  readonly half: BenchRow['precision'];
  /** Samples of a block. */
  readonly batch: number;
  readonly threads?: number | undefined;
  readonly device?: string | undefined;
  readonly xla: boolean;
}

/** Measure operations and blocks, each in all its forms, in turn. */
export async function runOpSuite(names: readonly string[], options: OpSuiteOptions): Promise<BenchRow[]> {
  const { threads, device, batch } = options;
  const rows: BenchRow[] = [];
  for (const name of names) {
    for (const phase of phasesOf(name)) {
      const specs = formsOf(name, options).map(
        (form): BenchSpec => ({
          ...form,
          phase,
          batch: name.startsWith('block') ? batch : 1,
          ...(threads === undefined ? {} : { threads }),
          ...(device === undefined ? {} : { device }),
        }),
      );
      rows.push(
        ...(await runTogether(
          specs.map((spec) => new Bench(spec)),
          options,
        )),
      );
    }
  }
  return rows;
}

/** Not a preparation such as loading. The start-up's first result is what it measures. */
export function isMeasured({ name, phase }: BenchRow): boolean {
  return phase === 'forward' || phase === 'step' || phase === 'generate' || name === 'start-up';
}

/** What is measured in turn with each other; the first is what the others are compared with. */
function formsOf(name: string, { half, xla }: OpSuiteOptions): Pick<BenchSpec, 'name' | 'mode' | 'precision'>[] {
  if (name === 'scalar-op') return [{ name, mode: 'eager', precision: 'float32' }];
  if (name === 'captured-700') return [{ name, mode: 'compiled', precision: 'float32' }];
  if (!name.startsWith('block'))
    return [name + COMPOSED, name].map((form) => ({ name: form, mode: 'compiled', precision: 'float32' }));
  return [
    { name, mode: 'eager', precision: 'float32' },
    { name, mode: 'compiled', precision: 'float32' },
    { name, mode: 'compiled', precision: half },
    ...(xla ? [{ name, mode: 'xla', precision: 'float32' } as const] : []),
  ];
}

/** How much faster our kernels are than composed ops, compiled than eager, and bfloat16 than float32. */
export function opRatios(all: readonly BenchRow[]): string[] {
  const measured = all.filter(isMeasured);
  const formOf = ({ name, mode, precision }: BenchRow): string => `${name} ${mode} ${precision}`;
  return measured.flatMap((row) =>
    measured
      .filter((base) => base.phase === row.phase && isBaseOf(base, row))
      .map((base) => {
        const best = (base.bestMs / row.bestMs).toFixed(2);
        const median = (base.medianMs / row.medianMs).toFixed(2);
        return `${row.phase}: ${formOf(row)} is ${best}x as fast as ${formOf(base)} by the best, ${median}x by the median`;
      }),
  );
}

function isBaseOf(base: BenchRow, row: BenchRow): boolean {
  if (base.name === row.name + COMPOSED) return true;
  if (base.name !== row.name) return false;
  return row.precision === 'float32'
    ? base.mode === 'eager' && row.mode !== 'eager'
    : base.mode === row.mode && base.precision === 'float32';
}
