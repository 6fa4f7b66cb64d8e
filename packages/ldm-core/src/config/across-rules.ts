import { AutoencoderConfig } from './autoencoder-config.js';
import { BertEmbedderConfig, SegMaskEncoderConfig } from './cond-stage-config.js';
import {
  type CondStage,
  conditioningOf,
  IS_FIRST_STAGE,
  type LatentDiffusionConfig,
} from './latent-diffusion-config.js';
import type { Finding } from './rules.js';
import { acrossRuleOf, type Peek } from './target.js';
import { TARGETS } from './target-ids.js';
import { attentionWidths, UNetConfig } from './unet-config.js';
import { VaeLossConfig } from './vae-loss-config.js';

const autoencoderRule = acrossRuleOf<AutoencoderConfig>();

/** What an autoencoder and its loss must agree on. */
export const autoencoderRules = [
  autoencoderRule(['ddconfig', 'lossconfig'], function* ({ ddconfig, lossconfig }, peek) {
    const loss = peek.configOf(lossconfig, TARGETS.vaeLoss, VaeLossConfig);
    if (loss === undefined) return;
    const { inChannels, outCh, givePreEnd } = ddconfig;
    if (inChannels !== outCh) {
      yield {
        path: ['ddconfig', 'outCh'],
        message: `reconstructions of ${outCh} channels cannot be compared with images of ${inChannels}`,
        suggestion: `use ${inChannels}`,
      };
      return;
    }
    if (loss.discInChannels !== outCh) {
      yield {
        path: ['lossconfig', 'params', 'discInChannels'],
        message: `the discriminator takes ${loss.discInChannels} channels, and the images have ${outCh}`,
        suggestion: `use ${outCh}`,
      };
    }
    if (loss.perceptualWeight > 0 && outCh !== 3) {
      yield {
        path: ['lossconfig', 'params', 'perceptualWeight'],
        message: `LPIPS compares RGB images, and these have ${outCh} channels`,
        suggestion: 'use perceptual_weight: 0',
      };
    }
    if (givePreEnd) {
      yield {
        path: ['ddconfig', 'givePreEnd'],
        message: 'the decoder gives features instead of images, which the loss cannot compare',
        suggestion: `use lossconfig: {target: ${TARGETS.identity}}, or remove give_pre_end`,
      };
    }
  }),
];

const ldmRule = acrossRuleOf<LatentDiffusionConfig>();

/** What a latent diffusion model's parts must agree on. */
export const latentDiffusionRules = [
  ldmRule(['unetConfig', 'firstStageConfig'], function* ({ unetConfig, firstStageConfig }, peek): Generator<Finding> {
    const unet = peek.fieldsOf(unetConfig, TARGETS.unet, UNetConfig);
    const vae = peek.fieldsOf(firstStageConfig, TARGETS.autoencoder, AutoencoderConfig);
    if (unet?.nEmbed === undefined || vae?.embedDim === undefined) return;
    const predicted = unet.nEmbed ?? unet.outChannels;
    if (predicted !== undefined && predicted !== vae.embedDim) {
      yield {
        path: ['unetConfig', 'params', unet.nEmbed === null ? 'outChannels' : 'nEmbed'],
        message: `the UNet predicts ${predicted} channels, and the latent has ${vae.embedDim} (embed_dim of first_stage_config)`,
        suggestion: `use ${vae.embedDim}`,
      };
    }
  }),
  ldmRule(
    ['unetConfig', 'firstStageConfig', 'condStageConfig', 'conditioningKey', 'concatMode'],
    function* (config, peek): Generator<Finding> {
      const unet = peek.fieldsOf(config.unetConfig, TARGETS.unet, UNetConfig);
      const vae = peek.fieldsOf(config.firstStageConfig, TARGETS.autoencoder, AutoencoderConfig);
      if (unet?.inChannels === undefined || vae?.embedDim === undefined) return;
      const conditioning = conditioningOf(config);
      const concatenated =
        conditioning === 'concat' ? (config.condStageConfig === IS_FIRST_STAGE ? vae.embedDim : undefined) : 0;
      if (conditioning === 'hybrid' || concatenated === undefined) return;
      const wanted = vae.embedDim + concatenated;
      if (unet.inChannels === wanted) return;
      yield {
        path: ['unetConfig', 'params', 'inChannels'],
        message: `the UNet takes ${unet.inChannels} channels, and the latent has ${wanted}${concatenated > 0 ? ' with its condition' : ' (embed_dim of first_stage_config)'}`,
        suggestion: `use ${wanted}`,
      };
    },
  ),
  ldmRule(
    ['unetConfig', 'condStageConfig', 'conditioningKey', 'concatMode'],
    function* (config, peek): Generator<Finding> {
      const unet = peek.fieldsOf(config.unetConfig, TARGETS.unet, UNetConfig);
      if (unet === undefined) return;
      const conditioning = conditioningOf(config);
      yield* labelFindings(unet, conditioning);
      if (unet.useSpatialTransformer === false && conditioning === 'concat') {
        if (conditionWidth(config.condStageConfig, peek) === undefined) return;
        yield {
          path: ['condStageConfig'],
          message:
            'conditioning_key concat puts the condition beside the channels of the latent, and this encoder gives tokens',
          suggestion: `use conditioning_key: crossattn with use_spatial_transformer: true, or cond_stage_config: ${IS_FIRST_STAGE}`,
        };
        return;
      }
      if (!unet.useSpatialTransformer) return;
      const path = ['unetConfig', 'params', 'contextDim'];
      if (conditioning === 'crossattn' || conditioning === 'hybrid') {
        if (config.condStageConfig === IS_FIRST_STAGE) {
          yield {
            path: ['condStageConfig'],
            message: `cross-attention needs tokens, and ${IS_FIRST_STAGE} gives a latent`,
            suggestion: 'use conditioning_key: concat',
          };
          return;
        }
        const width = conditionWidth(config.condStageConfig, peek);
        // The UNet's own rule speaks where it has no context_dim.
        if (width === undefined || width === unet.contextDim || !unet.contextDim) return;
        yield {
          path,
          message: `the UNet reads a context of width ${unet.contextDim}, and cond_stage_config gives ${width}`,
          suggestion: `use ${width}`,
        };
        return;
      }
      const whole = peek.configOf(config.unetConfig, TARGETS.unet, UNetConfig);
      if (whole === undefined) return;
      const own = attentionWidths(whole);
      if (own.every((width) => width === unet.contextDim)) return;
      yield {
        path,
        message: `${conditioning === null ? 'no conditioning' : `conditioning_key ${conditioning}`} passes no context, so cross-attention would read its own ${own.join(', ')} channels`,
        suggestion: 'use use_spatial_transformer: false and no context_dim, or conditioning_key: crossattn',
      };
    },
  ),
];

/** Width of the tokens that a condition encoder gives, if it is known here. */
export function conditionWidth(condStage: CondStage, peek: Peek): number | undefined {
  if (typeof condStage === 'string') return undefined;
  return (
    peek.fieldsOf(condStage, TARGETS.bert, BertEmbedderConfig)?.nEmbed ??
    peek.fieldsOf(condStage, TARGETS.segMaskEncoder, SegMaskEncoderConfig)?.contextDim
  );
}

function* labelFindings(
  unet: Partial<UNetConfig>,
  conditioning: ReturnType<typeof conditioningOf>,
): Generator<Finding> {
  const path = ['unetConfig', 'params', 'numClasses'];
  if (conditioning === 'adm' && unet.numClasses === null) {
    yield {
      path,
      message: 'conditioning_key adm passes class labels, and the UNet takes none',
      suggestion: 'set num_classes, or another conditioning_key',
    };
  }
  if (conditioning !== 'adm' && typeof unet.numClasses === 'number') {
    yield {
      path,
      message: `the UNet wants class labels, and ${conditioning === null ? 'no conditioning' : `conditioning_key ${conditioning}`} passes none`,
      suggestion: 'use conditioning_key: adm, or remove num_classes',
    };
  }
}
