import { compile, useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { BackendName } from '../arguments.js';
import type { CaseContext, Mode } from '../kinds/kind.js';
import { eager } from './eager.js';

/** A backend that is ready. */
export interface Backend {
  /** What the report calls it, with its version and device. */
  readonly label: string;
  /** The modes it has. */
  readonly modes: readonly Mode[];
  /** How a mode runs a function of tensors. */
  readonly call: (mode: Mode) => CaseContext['call'];
}

/** Make a backend the current one. @param device of the engine: `cpu`, `gpu` or `gpu:<n>` */
export async function useBackend(name: BackendName, device = 'cpu'): Promise<Backend> {
  tf.enableProdMode();
  if (name === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
    return { label: `tfjs-backend-cpu ${tf.version_core}`, modes: ['eager'], call: () => eager };
  }
  const info = await useEngine({ device });
  return {
    label: `libtensorflow ${info.libraryVersion} on ${info.device}, float32`,
    modes: ['eager', 'compiled'],
    call: (mode) => (mode === 'eager' ? eager : (fn) => compile(fn)),
  };
}
