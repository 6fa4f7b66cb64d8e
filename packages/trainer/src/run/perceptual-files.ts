import type { LPIPSWithDiscriminator, StartingPoint } from '@codiff/ldm-core';

/** Convolutions of torchvision's VGG16, by slice of LPIPS. */
const SLICES = [
  [0, 2],
  [5, 7],
  [10, 12, 14],
  [17, 19, 21],
  [24, 26, 28],
] as const;

const AT = 'loss.perceptual_loss.';

/** The published weights of the perceptual distance: torchvision's VGG16, and the heads of LPIPS v0.1 for it. */
export const PERCEPTUAL_FILES = { vgg16: 'pretrained/vgg16.pth', heads: 'pretrained/lpips_vgg.pth' } as const;

/** Where an autoencoder's loss takes its frozen networks from; nothing if `perceptual_weight` says it has no use for them. */
export function perceptualFiles({ config }: LPIPSWithDiscriminator): StartingPoint[] {
  return config.perceptualWeight <= 0 ? [] : lpipsStarts(AT, PERCEPTUAL_FILES);
}

/** How the published files fill an `LPIPS`. @param at prefix of its keys, with a trailing dot, or empty */
export function lpipsStarts(at: string, files: { readonly vgg16: string; readonly heads: string }): StartingPoint[] {
  const convs = SLICES.flatMap((indices, i) =>
    indices.map((index): [string, string] => [`features.${index}.`, `${at}net.slice${i + 1}.${index}.`]),
  );
  return [
    { file: files.vgg16, ignoreKeys: [], prefixMap: convs },
    { file: files.heads, ignoreKeys: [], prefixMap: [['lin', `${at}lin`]] },
  ];
}

/** Whether a key belongs to these networks. */
export const isPerceptual = (key: string): boolean => /^loss\.perceptual_loss\.(net|lin)/.test(key);
