import type { ParamSpec, Params } from '@codiff/ldm-core';
import type { z } from 'zod';
import type { CaseModel } from '../cases/case-folder.js';
import type { ModelFiles, Target, Weights } from '../cases/case-form.js';
import type { HostTensor } from '../cases/host-tensor.js';
import type { Inputs } from '../cases/inputs.js';
import { describeProblems } from '../cases/problems.js';
import type { Comparison } from '../compare/measure.js';

/** Whether functions run op by op, or as one compiled function of the engine. */
export type Mode = 'eager' | 'compiled';

/** What a kind computed: output name -> tensor in the original's layout. */
export type Outputs = Map<string, HostTensor>;

/** A case as its kind sees it. */
export interface CaseContext {
  readonly inputs: Inputs;
  /** Is this output stored, so that computing it makes sense? */
  wants(name: string): boolean;
  /** Is any output stored whose name starts so? */
  wantsAny(prefix: string): boolean;
  /** The case's model, borrowed or its own. @throws Error where the case names another target than the kind takes */
  model(field: Target | string, files: ModelFiles | undefined, target: string): CaseModel;
  /** Values for a model's parameters by the case's `weights`, or by those of an entry. */
  weights(specs: ReadonlyMap<string, ParamSpec>, entry?: Weights): Params;
  /** A function of tensors, run op by op (its intermediates freed) or compiled, as the mode says. */
  readonly call: <A extends unknown[], R>(fn: (...args: A) => R) => (...args: A) => R;
  /** Report a condition that is no stored output, e.g. a gradient that must vanish. */
  check(name: string, comparison: Comparison): void;
}

/** One computation of the fixtures. */
export interface Kind {
  readonly kind: string;
  /** Check the fields of a case. @returns the computation */
  readonly prepare: (config: unknown) => (context: CaseContext) => Promise<Outputs>;
}

/** Declare a kind: its name, the form of its cases, and how the outputs are computed. */
export function defineKind<S extends z.ZodType>(
  kind: string,
  schema: S,
  run: (config: z.output<S>, context: CaseContext) => Promise<Outputs>,
): Kind {
  return {
    kind,
    prepare: (config) => {
      const parsed = schema.safeParse(config);
      if (!parsed.success) throw new Error(describeProblems(parsed.error, 'config.yaml'));
      return (context) => run(parsed.data, context);
    },
  };
}
