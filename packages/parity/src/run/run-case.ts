import { engine } from '@tensorflow/tfjs-core';
import type { CaseFile } from '../cases/case-folder.js';
import { messageOf } from '../cases/problems.js';
import { type Comparison, compare } from '../compare/measure.js';
import { ToleranceBlock, toleranceFor } from '../compare/tolerance.js';
import type { CaseContext, Kind, Mode } from '../kinds/kind.js';
import { makeContext } from './context.js';

/** One line of the report: one output (or one condition) of one case in one mode. */
export interface OutputResult extends Comparison {
  readonly output: string;
  readonly measure: string;
}

/** How a case went in one mode. */
export interface CaseResult {
  readonly case: string;
  readonly kind: string;
  readonly mode: Mode | 'data';
  readonly ok: boolean;
  /** Why the case as a whole failed; its outputs may then be missing. */
  readonly failure?: string;
  readonly outputs: readonly OutputResult[];
  readonly seconds: number;
}

/** Run one case in one mode. Throws nothing that a case can cause: every fault becomes its failure. */
export async function runCase(file: CaseFile, kind: Kind, mode: Mode, call: CaseContext['call']): Promise<CaseResult> {
  const began = performance.now();
  const outputs: OutputResult[] = [];
  let failure: string | undefined;
  engine().startScope();
  try {
    const run = kind.prepare(file.config);
    const tolerance = ToleranceBlock.parse(file.config.tolerance);
    const context = makeContext(file, call, (output, comparison) =>
      outputs.push({ output, measure: 'abs', ...comparison }),
    );
    const computed = await run(context);
    for (const [name, reference] of file.outputs) {
      const rule = toleranceFor(tolerance, name);
      const tensor = computed.get(name);
      const comparison =
        tensor === undefined
          ? { ok: false, limit: 0, note: `kind '${kind.kind}' defines no output of this name for this case` }
          : compare(tensor, reference, rule);
      outputs.push({ output: name, measure: rule.measure, ...comparison });
    }
  } catch (error) {
    failure = messageOf(error);
  } finally {
    engine().endScope();
  }
  const ok = failure === undefined && outputs.every((output) => output.ok);
  const seconds = (performance.now() - began) / 1000;
  return {
    case: file.name,
    kind: kind.kind,
    mode,
    ok,
    outputs,
    seconds,
    ...(failure === undefined ? {} : { failure }),
  };
}
