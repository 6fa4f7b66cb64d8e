import { initParams, type ParamSpec, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { optimizerMemory } from '../checkpoint/optimizer-memory.js';
import { batchSizeOf, toTensors } from '../loop/batch-source.js';
import { nonFinite, readLogs } from '../loop/read-logs.js';
import type { Divided } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { openData, planRun } from './prepare-run.js';
import type { TrainRequest } from './train-request.js';

/** A part of a model, by the first names of its keys. */
export interface PlannedPart {
  readonly name: string;
  readonly trained: number;
  readonly frozen: number;
}

/** What a training would take. */
export interface DryRunPlan {
  readonly parts: readonly PlannedPart[];
  /** In bytes: weights, what the optimizers and averages add, and the most this process has held. */
  readonly memory: { readonly weights: number; readonly optimizers: number; readonly peak: number };
  readonly samples: number;
  readonly batchesPerEpoch: number;
  /** The first step with tracing and compiling, and the one after, in seconds. */
  readonly firstStep: number;
  readonly step: number;
  readonly imagesPerSecond: number;
  readonly hoursPerEpoch: number;
  /** What the steps logged. */
  readonly values: Readonly<Record<string, number>>;
}

/**
 * Take a step of a training without writing anything, then a second that is timed. Weights are drawn: files that the config
 * names are not read, so that a plan can be made before they are there.
 * @throws what a training throws for its config and data; TrainError if the loss is no number
 */
export async function dryRun(request: TrainRequest): Promise<DryRunPlan> {
  const planned = await planRun(request);
  const { seed, built, compile } = planned;
  const data = await openData(request, planned);
  const divided = built.training.divide(initParams(built.specs, seed));
  const { frozen } = divided;
  let { state } = divided;
  try {
    const step = compile(built.training.step, { name: 'training step', state: 0 });
    const seconds: number[] = [];
    let [samples, index] = [0, 0];
    let values: Record<string, number> = {};
    for await (const host of data.train.epoch(0, 0)) {
      const began = performance.now();
      const batch = toTensors(host);
      const control = {
        seed: Rng.of(seed).split('batch').split(index).toTensor(),
        globalStep: tf.scalar(index, 'int32'),
        lrScale: tf.scalar(built.lrFactor?.(index) ?? 1),
        update: true,
      };
      const [next, logs] = step(state, frozen, batch, control);
      state = next;
      values = await readLogs(logs);
      tf.dispose([...Object.values(batch), control.seed, control.globalStep, control.lrScale]);
      seconds.push((performance.now() - began) / 1000);
      samples = batchSizeOf(host);
      if (++index === 2) break;
    }
    const bad = nonFinite(values);
    if (bad.length > 0) throw new TrainError(`dry run: ${bad.join(', ')} is not finite after ${index} step(s)`);
    const [firstStep = 0, again = firstStep] = seconds;
    return {
      parts: partsOf(built.specs, { frozen, state }),
      memory: memoryOf(built.specs, { frozen, state }),
      samples: data.samples.train,
      batchesPerEpoch: data.train.length,
      firstStep,
      step: again,
      imagesPerSecond: samples / again,
      hoursPerEpoch: (data.train.length * again) / 3600,
      values,
    };
  } finally {
    tf.dispose([...built.training.weights({ frozen, state }).values(), ...optimizerMemory(state).values()]);
    await data.close();
  }
}

function partsOf(specs: ReadonlyMap<string, ParamSpec>, { state }: Divided): PlannedPart[] {
  const trained = new Set(Object.values(state.groups).flatMap(({ params }) => [...params.keys()]));
  const parts = new Map<string, { trained: number; frozen: number }>();
  for (const { key, kind, shape } of specs.values()) {
    if (kind !== 'parameter') continue;
    const name = key.split('.').slice(0, 2).join('.');
    const part = parts.get(name) ?? { trained: 0, frozen: 0 };
    part[trained.has(key) ? 'trained' : 'frozen'] += tf.util.sizeFromShape([...shape]);
    parts.set(name, part);
  }
  return [...parts].map(([name, counts]) => ({ name, ...counts }));
}

function memoryOf(specs: ReadonlyMap<string, ParamSpec>, { state }: Divided): DryRunPlan['memory'] {
  const bytes = (tensors: Iterable<tf.Tensor>): number => [...tensors].reduce((sum, { size }) => sum + 4 * size, 0);
  const weights = [...specs.values()].reduce((sum, { shape }) => sum + 4 * tf.util.sizeFromShape([...shape]), 0);
  return {
    weights,
    optimizers: bytes(optimizerMemory(state).values()),
    peak: 1024 * process.resourceUsage().maxRSS,
  };
}

/** A plan as lines to print. */
export function describePlan({ parts, memory, ...plan }: DryRunPlan): string[] {
  const count = (n: number): string => n.toLocaleString('en-US');
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  const width = Math.max(...parts.map(({ name }) => name.length), 5);
  const sum = (kind: 'trained' | 'frozen'): number => parts.reduce((total, part) => total + part[kind], 0);
  const rows = [...parts, { name: 'total', trained: sum('trained'), frozen: sum('frozen') }];
  const hours = plan.hoursPerEpoch;
  return [
    'parameters',
    ...rows.map(
      ({ name, trained, frozen }) => `  ${name.padEnd(width)}  trained ${count(trained)}, frozen ${count(frozen)}`,
    ),
    `memory: weights ${mib(memory.weights)}, optimizers ${mib(memory.optimizers)}, peak of this process ${mib(memory.peak)}`,
    `first step ${plan.firstStep.toFixed(2)} s with compiling, then ${plan.step.toFixed(3)} s a batch: ${plan.imagesPerSecond.toPrecision(3)} images/s`,
    `an epoch of ${count(plan.samples)} images in ${count(plan.batchesPerEpoch)} batches takes ${hours < 0.1 ? hours.toPrecision(2) : hours.toFixed(1)} hours`,
    `loss: ${Object.entries(plan.values)
      .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
      .join(', ')}`,
  ];
}
