import { compile } from '@codiff/engine';
import { drawingNetworks, type EvaluationNetworks, inceptionNetwork, type WantedNetworks } from '@codiff/trainer';
import type { NETWORK_WORDS } from './flags.js';

/** The networks for what images show. @param folder of weights */
export async function openNetworks(
  kind: (typeof NETWORK_WORDS)[number],
  folder: string,
  wanted: WantedNetworks,
): Promise<EvaluationNetworks> {
  if (kind === 'drawings') return drawingNetworks(folder, wanted, compile);
  const features = await inceptionNetwork(folder, compile);
  return { features, dispose: () => features.dispose() };
}
