import { z } from 'zod';
import { count, flag, ignored, number, oneOf, only, whole } from './fields.js';

/** `ldm.modules.losses.LPIPSWithDiscriminator`: arguments, defaults and what they may be (original, 19.6). */
export const VaeLossConfig = z.strictObject({
  /** Optimizer step from which the discriminator counts. */
  discStart: whole(0),
  logvarInit: number().default(0),
  klWeight: number().default(1),
  pixellossWeight: ignored('the loss never reads it'),
  discNumLayers: count().default(3),
  discInChannels: count().default(3),
  /** 0 or less: no discriminator term, and its adaptive weight is not computed. */
  discFactor: number().default(1),
  discWeight: number().default(1),
  /** 0 or less: LPIPS is not run. */
  perceptualWeight: number().default(1),
  useActnorm: flag().default(false),
  discConditional: only(false, 'the training step passes no condition to the discriminator').default(false),
  discLoss: oneOf(['hinge', 'vanilla']).default('hinge'),
});

/** {@link VaeLossConfig} with its defaults applied. */
export type VaeLossConfig = z.output<typeof VaeLossConfig>;

/** `taming.modules.discriminator.model.NLayerDiscriminator` (original, 19.6). */
export const NLayerDiscriminatorConfig = z.strictObject({
  inputNc: count().default(3),
  ndf: count().default(64),
  nLayers: count().default(3),
  useActnorm: flag().default(false),
});

/** {@link NLayerDiscriminatorConfig} with its defaults applied. */
export type NLayerDiscriminatorConfig = z.output<typeof NLayerDiscriminatorConfig>;

/** `torch.nn.Identity`: takes any argument and reads none. */
export const IdentityConfig = z.looseObject({});

/** {@link IdentityConfig}. */
export type IdentityConfig = z.output<typeof IdentityConfig>;
