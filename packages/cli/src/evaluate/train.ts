import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compile } from '@codiff/engine';
import { drawSet, EVALUATOR_TRAINING, type EvaluatorName, NETWORK_FILES, trainEvaluator } from '@codiff/trainer';
import { watchInterrupts } from '../generate/interrupt.js';
import { startEngine } from '../generate/start-engine.js';
import { Interrupted } from '../interrupted.js';
import type { EvaluateTrainFlags } from './flags.js';

const FILES = { parser: NETWORK_FILES.drawingParser, classifier: NETWORK_FILES.drawingClassifier } as const;

/** Seeds of the drawings: neither is that of a data set of the demo (1). */
const SEEDS = { drawings: 101, heldOut: 102 } as const;

/**
 * Train a network of drawings and write its file.
 * @throws Interrupted after Ctrl-C; nothing is written then
 */
export async function trainNetworks(names: readonly EvaluatorName[], flags: EvaluateTrainFlags): Promise<void> {
  const silent = flags.quiet === true;
  const watch = watchInterrupts(() => undefined);
  const tell = (line: string, end = '\n'): void => {
    if (!silent) process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}${end}`);
  };
  try {
    await startEngine({ precision: 'float32', device: flags.device, memoryLimit: flags.memory_limit });
    tell('drawing the faces');
    const drawings = await drawSet(SEEDS.drawings, flags.drawings ?? 20_000);
    const heldOut = await drawSet(SEEDS.heldOut, flags.held_out ?? 1000);
    for (const name of names) {
      const began = performance.now();
      const recipe = EVALUATOR_TRAINING[name];
      const steps = flags.steps ?? recipe.steps;
      const path = join(flags.pretrained ?? 'pretrained', FILES[name].name);
      await mkdir(dirname(path), { recursive: true });
      const { accuracy, parts, n } = await trainEvaluator(name, path, {
        drawings,
        heldOut,
        training: {
          ...recipe,
          steps,
          seed: flags.seed ?? 11,
          compile,
          signal: watch.signal,
          onStep: (done, loss) => {
            if (process.stderr.isTTY || done % 200 === 0) {
              tell(`${name}: step ${done} of ${steps}, loss ${loss.toFixed(4)}`, process.stderr.isTTY ? '' : '\n');
            }
          },
        },
      });
      const each = Object.entries(parts).map(([part, value]) => `${part} ${value.toFixed(4)}`);
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      tell('', '');
      process.stdout.write(
        `${path}: accuracy ${accuracy.toFixed(4)} on ${n} held-out drawings${each.length > 0 ? ` (${each.join(', ')})` : ''}, ${steps} steps in ${seconds} s\n`,
      );
    }
  } catch (error) {
    if (watch.signal.aborted) throw new Interrupted('stopped; a network that was not finished is not written');
    throw error;
  } finally {
    watch.stop();
  }
}
