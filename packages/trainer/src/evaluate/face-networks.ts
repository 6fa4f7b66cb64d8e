import type { Compile } from '../steps/consume.js';
import { clipJudge } from './clip-judge.js';
import type { WantedNetworks } from './drawing-networks.js';
import { faceParser } from './face-parser.js';
import { inceptionNetwork } from './inception-network.js';
import { NETWORK_FILES, NetworkFileError, networkFile } from './network-files.js';
import type { EvaluationNetworks } from './networks.js';
import { perceptualPairs } from './perceptual-pairs.js';

/**
 * Load the networks of photographs of faces: Inception-v3, and where they are wanted and there, the face parser, CLIP and LPIPS.
 * @param folder of weights: `pretrained`
 * @returns their `notes` name each file that is missing, and what is not measured without it
 * @throws NetworkFileError if Inception's file is missing; CheckpointError or CheckpointMismatch for files of other networks
 */
export async function faceNetworks(
  folder: string,
  wanted: WantedNetworks,
  compile: Compile,
): Promise<EvaluationNetworks> {
  const notes: string[] = [];
  const opened: { dispose(): void }[] = [];
  const open = async <T extends { dispose(): void }>(make: () => Promise<T>): Promise<T> => {
    const network = await make();
    opened.push(network);
    return network;
  };
  /** A network that an evaluation can do without. */
  const optional = async <T extends { dispose(): void }>(
    isWanted: boolean,
    without: string,
    make: () => Promise<T>,
  ): Promise<T | undefined> => {
    if (!isWanted) return undefined;
    try {
      return await open(make);
    } catch (error) {
      if (!(error instanceof NetworkFileError)) throw error;
      notes.push(`${without} not measured: ${error.message}`);
      return undefined;
    }
  };
  const file = (name: keyof typeof NETWORK_FILES) => networkFile(NETWORK_FILES[name], folder);
  try {
    const features = await open(() => inceptionNetwork(folder, compile));
    const parser = await optional(wanted.parser, 'mask_accuracy and mask_miou are', () =>
      faceParser(file('faceParser'), compile),
    );
    const text = await optional(wanted.text, 'text_consistency is', () =>
      clipJudge(file('clip'), file('clipTokenizer'), compile),
    );
    const pairs = await optional(wanted.pairs, 'diversity_lpips is', () =>
      perceptualPairs({ vgg16: file('vgg16'), heads: file('lpips') }, compile),
    );
    return {
      features,
      parser,
      text,
      pairs,
      notes,
      dispose: () => {
        for (const network of opened) network.dispose();
      },
    };
  } catch (error) {
    for (const network of opened) network.dispose();
    throw error;
  }
}
