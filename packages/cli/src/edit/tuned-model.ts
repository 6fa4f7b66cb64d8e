import {
  initParams,
  loadParams,
  type ParamSpec,
  type Params,
  paramsToWrite,
  type TensorToWrite,
} from '@codiff/ldm-core';
import { openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import type { OpenModel } from '../generate/open-model.js';
import { withRecord } from './tensor-files.js';

type Specs = ReadonlyMap<string, ParamSpec>;

/** What of a model of one condition stage B tunes: its UNet. */
export const unetSpecs = (specs: Specs): Map<string, ParamSpec> =>
  new Map([...specs].filter(([key]) => key.startsWith('model.')));

/**
 * Write a whole model with a tuned UNet, so that it can be sampled from this file alone: what was not tuned is copied from the
 * checkpoint as it is.
 * @param unet tuned weights of {@link unetSpecs} @param record for the header
 */
export async function saveTunedModel(
  path: string,
  { specs, weights }: Pick<OpenModel, 'specs' | 'weights'>,
  unet: Params,
  record: unknown,
): Promise<void> {
  // Averages of the UNet have become its weights, and are again.
  const tuned = new Map(
    [...specs].flatMap(([key, { init }]) => {
      const tensor = unet.get(init.kind === 'copy' ? init.of.key : key);
      return tensor ? [[key, tensor] as const] : [];
    }),
  );
  const computed = subset(specs, ({ key, init }) => !key.includes('.') && init.kind === 'values');
  const schedule = initParams(computed, 0);
  try {
    const parts = new Map<string, TensorToWrite>([
      ...weights.copies(),
      ...paramsToWrite(schedule, computed),
      ...paramsToWrite(
        tuned,
        subset(specs, ({ key }) => tuned.has(key)),
      ),
    ]);
    const inOrder = [...specs.keys()].flatMap((key) => (parts.has(key) ? [[key, parts.get(key)!] as const] : []));
    await saveTensors(path, new Map(inOrder), withRecord(record));
  } finally {
    schedule.dispose();
  }
}

const subset = (specs: Specs, keep: (spec: ParamSpec) => boolean): Map<string, ParamSpec> =>
  new Map([...specs].filter(([, spec]) => keep(spec)));

/**
 * A tuned UNet from the file of its model.
 * @param unet specs to load @param prefix what stands before its keys in the model, where that is not the file's `model.`
 * @returns the caller's
 */
export async function loadTunedUNet(path: string, unet: Specs, prefix = 'model.'): Promise<Params> {
  const checkpoint = await openCheckpointFile(path);
  try {
    const { params } = await loadParams(unet, checkpoint, { prefixMap: [['model.', prefix]], drop: [/./] });
    return params;
  } finally {
    await checkpoint.close();
  }
}
