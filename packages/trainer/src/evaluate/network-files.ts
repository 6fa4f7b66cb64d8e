import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A file of weights that an evaluation reads. */
export interface NetworkFile {
  /** Name in the folder of weights. */
  readonly name: string;
  readonly what: string;
  /** Where it comes from, for the message that it is missing. */
  readonly source: string;
}

/** Files of the networks, by what they are for. */
export const NETWORK_FILES = {
  drawingParser: {
    name: 'evaluators/drawing_parser.safetensors',
    what: 'the parser of drawn faces',
    source: "'codiff evaluate train parser' makes it in some minutes",
  },
  drawingClassifier: {
    name: 'evaluators/drawing_classifier.safetensors',
    what: 'the classifier of drawn faces',
    source: "'codiff evaluate train classifier' makes it in some minutes",
  },
  inception: {
    name: 'pt_inception-2015-12-05-6726825d.pth',
    what: 'Inception-v3 as the Frechet inception distance has it',
    source: 'it is an asset of the releases of pytorch-fid (github.com/mseitzer/pytorch-fid, fid_weights)',
  },
  faceParser: {
    name: '79999_iter.pth',
    what: 'BiSeNet trained on CelebAMask-HQ, the parser of photographs',
    source: 'it is linked from github.com/zllrunning/face-parsing.PyTorch',
  },
  clip: {
    name: 'clip-vit-base-patch32/model.safetensors',
    what: 'CLIP ViT-B/32 in the form of the transformers library',
    source: "it is the file of this name of the model 'openai/clip-vit-base-patch32'",
  },
  clipTokenizer: {
    name: 'clip-vit-base-patch32/tokenizer.json',
    what: 'the tokenizer of CLIP',
    source: "it is the file of this name of the model 'openai/clip-vit-base-patch32'",
  },
  vgg16: {
    name: 'vgg16.pth',
    what: "torchvision's VGG16, for the perceptual distance",
    source: 'pretrained/README.md tells its keys',
  },
  lpips: {
    name: 'lpips_vgg.pth',
    what: 'the heads of LPIPS v0.1 for VGG',
    source: 'pretrained/README.md tells its keys',
  },
} as const satisfies Readonly<Record<string, NetworkFile>>;

/** A network's file that is not there, or not what it should be. */
export class NetworkFileError extends Error {
  override readonly name = 'NetworkFileError';
}

/** Path of a network's file. @throws NetworkFileError saying which file is missing and where it goes */
export function networkFile({ name, what, source }: NetworkFile, folder: string): string {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  throw new NetworkFileError(`${path} is missing: ${what}. Put the file there under this name; ${source}`);
}
