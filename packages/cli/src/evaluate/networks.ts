import { compile } from '@codiff/engine';
import { drawingNetworks, type EvaluationNetworks, faceNetworks, type WantedNetworks } from '@codiff/trainer';
import type { NETWORK_WORDS } from './flags.js';

/** The networks for what images show. @param folder of weights */
export const openNetworks = (
  kind: (typeof NETWORK_WORDS)[number],
  folder: string,
  wanted: WantedNetworks,
): Promise<EvaluationNetworks> => (kind === 'drawings' ? drawingNetworks : faceNetworks)(folder, wanted, compile);
