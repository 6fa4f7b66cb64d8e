import './nn/gradients.js';

export { BiSeNet } from './bisenet/bisenet.js';
export { CLIP_VIT_B_32, Clip, type ClipConfig } from './clip/clip.js';
export type { ClipTowerConfig } from './clip/clip-layers.js';
export { ClipTokenizer } from './clip/clip-tokenizer.js';
export { conditionWidth } from './config/across-rules.js';
export { AutoencoderConfig, DdConfig } from './config/autoencoder-config.js';
export {
  AttentionBlockConfig,
  AttnBlockConfig,
  BasicTransformerBlockConfig,
  DownsampleConfig,
  GegluConfig,
  GeluConfig,
  GroupNormConfig,
  LayerNormConfig,
  ResBlockConfig,
  ResnetBlockConfig,
  SpatialTransformerConfig,
  UpsampleConfig,
  VaeDownsampleConfig,
} from './config/block-configs.js';
export { BertEmbedderConfig, PassSegMaskEncoderConfig, SegMaskEncoderConfig } from './config/cond-stage-config.js';
export { ConfigError, type ConfigProblem } from './config/config-error.js';
export {
  buildModel,
  ConfigFile,
  type ConfigText,
  checkConfig,
  composeConfig,
  configFileFields,
  missingFiles,
  type ResolvedConfig,
  withFile,
} from './config/config-file.js';
export type { FieldNotes, TargetConfig } from './config/fields.js';
export * as fields from './config/fields.js';
export {
  type CondStage,
  conditioningOf,
  diffusionFields,
  diffusionRules,
  IS_FIRST_STAGE,
  IS_UNCONDITIONAL,
  LatentDiffusionConfig,
} from './config/latent-diffusion-config.js';
export { LrScheduleConfig } from './config/lr-schedule-config.js';
export { camelize, snakeize } from './config/names.js';
export { type ParseEvents, parseConfig, parseObject } from './config/object-parser.js';
export { applyOverrides, type Override, parseOverride } from './config/overrides.js';
export { BESIDE_MODEL, Registry, type Surroundings } from './config/registry.js';
export { roles } from './config/roles.js';
export { type Finding, type Rule, ruleOf, rulesOf, withRules } from './config/rules.js';
export { nearest } from './config/suggest.js';
export {
  type AcrossRule,
  type AnyTarget,
  acrossRuleOf,
  type BuildContext,
  defineRole,
  defineTarget,
  describeTarget,
  type Peek,
  type Role,
  type TargetDefinition,
} from './config/target.js';
export { TARGETS } from './config/target-ids.js';
export { ldmRegistry } from './config/targets.js';
export { type ConfigTree, isTree, mergeTrees } from './config/tree.js';
export { attentionWidths, UNetConfig } from './config/unet-config.js';
export { IdentityConfig, NLayerDiscriminatorConfig, VaeLossConfig } from './config/vae-loss-config.js';
export { dumpYaml, parseYamlFile, parseYamlValue } from './config/yaml.js';
export { type BetaOptions, type BetaScheduleName, betaScheduleNames, makeBetas } from './diffusion/betas.js';
export { conditionTimesteps, noiseCondition } from './diffusion/condition-noise.js';
export { type DdimOptions, sampleDdim } from './diffusion/ddim.js';
export { type InversionOptions, invertDdim } from './diffusion/ddim-inversion.js';
export {
  countSteps,
  type DdimSchedule,
  type DdimScheduleOptions,
  type Discretization,
  ddimTimesteps,
  discretizations,
  makeDdimSchedule,
  requireWalkable,
} from './diffusion/ddim-schedule.js';
export {
  type Gaussian,
  type OutputOptions,
  type PMeanVariance,
  pMeanVariance,
  pSample,
  qPosterior,
  qSample,
} from './diffusion/ddpm.js';
export { type DdpmOptions, sampleDdpm } from './diffusion/ddpm-sampler.js';
export { type Denoise, type DenoiseStep, denoiserOf } from './diffusion/denoise.js';
export { type DpmppOptions, sampleDpmpp } from './diffusion/dpmpp.js';
export { declareEma } from './diffusion/ema-buffers.js';
export { extract } from './diffusion/extract.js';
export { type Condition, type ConditionalDenoise, type Guidance, guided, guidedPair } from './diffusion/guidance.js';
export { type HeunOptions, sampleHeun } from './diffusion/heun.js';
export { type ImageStartOptions, startFromImage } from './diffusion/image-to-image.js';
export type { Inpaint } from './diffusion/inpaint.js';
export {
  type ApplyOptions,
  type ConditionEncoder,
  type DenoisingBatch,
  type EncodedCondition,
  LatentDiffusion,
  type LatentDiffusionParts,
} from './diffusion/latent-diffusion.js';
export { LatentScale } from './diffusion/latent-scale.js';
export { type NoiseSource, replayNoise, type Shape4D, seededNoise } from './diffusion/noise-source.js';
export {
  type DiffusionLosses,
  type LossInputs,
  type LossType,
  loggedLosses,
  lossTypes,
  type ObjectiveOptions,
  pLosses,
} from './diffusion/p-losses.js';
export { type Parameterization, parameterizations } from './diffusion/parameterization.js';
export { type PlmsOptions, samplePlms } from './diffusion/plms.js';
export {
  predictEpsFromStart,
  predictEpsFromVelocity,
  predictStart,
  predictStartFromNoise,
  predictStartFromVelocity,
  velocity,
} from './diffusion/predictions.js';
export type { SampleRun, StepEvent } from './diffusion/run-steps.js';
export {
  type SampleFn,
  SamplerConfig,
  type SamplerConfigs,
  type SamplerName,
  samplerConfigs,
  samplers,
  sampleWith,
} from './diffusion/samplers.js';
export { makeSchedule, type Schedule, type ScheduleOptions, scheduleBuffers } from './diffusion/schedule.js';
export type { SolverOptions } from './diffusion/solver-nodes.js';
export { recordSteps, type StepRecorder } from './diffusion/step-recorder.js';
export { InceptionV3 } from './inception/inception-v3.js';
export { BufferSink, type ByteSink } from './io/byte-sink.js';
export { type ByteSource, blobSource, bytesSource } from './io/byte-source.js';
export { Checkpoint, type CheckpointContents, type CheckpointFormat, type OpenOptions } from './io/checkpoint.js';
export { CheckpointError, type CheckpointFault } from './io/checkpoint-error.js';
export { type CopyOptions, copyTensors } from './io/copy-tensors.js';
export { type Crc32, crc32 } from './io/crc32.js';
export { type CheckpointDescription, describeCheckpoint, type TensorCount } from './io/describe-checkpoint.js';
export { DTYPES, type DType, dtypeBytes, isDType, isFloating } from './io/dtype.js';
export { countNonFinite, encodeValues, float32Values, int32Values } from './io/element-values.js';
export { formatGroups, groupKeys, type KeyGroup } from './io/key-groups.js';
export {
  CheckpointMismatch,
  formatKeyReport,
  type KeyMatch,
  type KeyReport,
  type MatchOptions,
  type Misshapen,
  matchKeys,
} from './io/key-report.js';
export { type LoadOptions, loadParams } from './io/load-params.js';
export { openCheckpoint, sniffFormat } from './io/open-checkpoint.js';
export { paramsToWrite, type SaveDType } from './io/params-to-write.js';
export {
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
  StorageView,
} from './io/pickle-value.js';
export type { PickleInput } from './io/pickle-writer.js';
export { Storage, StoredTensor } from './io/stored-tensor.js';
export { TensorToWrite } from './io/tensor-to-write.js';
export { flattenTensors } from './io/tensor-tree.js';
export { type Upload, uploadNow } from './io/upload.js';
export { writeSafetensors } from './io/write-safetensors.js';
export { writeTorchZip } from './io/write-torch.js';
export { PassSegMaskEncoder, SegMaskEncoder } from './mask/seg-mask-encoder.js';
export {
  bootstrapInterval,
  bootstrapMean,
  type Interval,
  type PairedDifference,
  pairedBootstrap,
  type Resampled,
  type ResampleOptions,
  resample,
  resampled,
  resampledDifference,
} from './metrics/bootstrap.js';
export { cosines, diversityOf } from './metrics/distances.js';
export { type Features, featuresOf, pickRows, type RandomSource } from './metrics/features.js';
export { frechetDistance, frechetInterval, frechetResampled, frechetWarning } from './metrics/frechet.js';
export { type KernelDistance, type KidOptions, kernelDistance } from './metrics/kid.js';
export {
  type Confusion,
  classIoU,
  confusionOf,
  meanIoU,
  pixelAccuracy,
  sumConfusions,
} from './metrics/segmentation.js';
export { geglu, gelu, leakyRelu, silu, softplus } from './nn/activations.js';
export { type AttentionOptions, attention } from './nn/attention.js';
export { BatchNorm2D, type BatchNormOptions } from './nn/batch-norm.js';
export { type BatchReplicas, meanOverReplicas } from './nn/batch-replicas.js';
export { checkpoint, recomputeBarrier } from './nn/checkpoint.js';
export { Conv2D, type Conv2DOptions, type ConvOptions, conv2d, type Padding } from './nn/conv2d.js';
export { dropout } from './nn/dropout.js';
export { Embedding } from './nn/embedding.js';
export { FeedForward, type FeedForwardOptions, GEGLU } from './nn/feed-forward.js';
export { fromFile, type HostValues, toFile } from './nn/file-layout.js';
export { formulaParams, formulaValues } from './nn/formula.js';
export { equalParts, inParts, partsOf } from './nn/in-parts.js';
export { fanIn, initialValues, initParams, kaiming, normal, ones, zeros } from './nn/init.js';
export type {
  AdamUpdateAttrs,
  AttentionAttrs,
  DrawAttrs,
  GroupNormAttrs,
  KernelContract,
  KernelContracts,
  KernelName,
  LayerNormAttrs,
} from './nn/kernel-contracts.js';
export { Linear, type LinearOptions } from './nn/linear.js';
export { GroupNorm, type GroupNormOptions, groupNorm, LayerNorm, layerNorm } from './nn/norm.js';
export { offTape } from './nn/off-tape.js';
export { Params } from './nn/params.js';
export { type BatchPart, Rng } from './nn/random.js';
export {
  type FileLayout,
  type Init,
  type ParamKey,
  type ParamOptions,
  type ParamSpec,
  Scope,
  type StartingPoint,
} from './nn/scope.js';
export { ShapeError } from './nn/shape-error.js';
export { disposeReplaced, mapTensors, tensorsOf, tidyTree } from './nn/tensor-tree.js';
export { avgPool2x, upsampleNearest2x } from './nn/upsample.js';
export { upsampleConv2d } from './nn/upsample-conv2d.js';
export { type ValueAndGrads, valueAndGrad, valueAndGrads } from './nn/value-and-grads.js';
export { type AdamStepOptions, adamStep, initOptimState, type OptimState } from './optim/adamw.js';
export { clipByGlobalNorm, globalNorm } from './optim/clip.js';
export { type EmaOptions, type EmaState, emaName, emaUpdate, initEma } from './optim/ema.js';
export {
  adamDefaults,
  adamWDefaults,
  planUpdates,
  type UpdatePlan,
  type UpdateRule,
  type UpdateSettings,
} from './optim/rules.js';
export { type LrCycle, type LrDecay, lrSchedule } from './optim/schedule.js';
export { BERTEmbedder, type BertPassOptions } from './text/bert-embedder.js';
export { BertTokenizer } from './text/bert-tokenizer.js';
export {
  BERT_VOCABULARY_SHA256,
  BERT_VOCABULARY_SIZE,
  bertVocabularyText,
  rebuildBertVocabulary,
} from './text/bert-vocabulary.js';
export { AttentionBlock, type AttentionBlockOptions } from './unet/attention-block.js';
export { BasicTransformerBlock, type BasicTransformerBlockOptions } from './unet/basic-transformer-block.js';
export type { ActivationObserver } from './unet/block-sequence.js';
export type { Context, ContextKeys, KeyValue } from './unet/context-keys.js';
export { CrossAttention, type CrossAttentionOptions } from './unet/cross-attention.js';
export {
  type ConditionInputs,
  type Conditioning,
  type DiffusionInputs,
  DiffusionWrapper,
} from './unet/diffusion-wrapper.js';
export { Downsample, type DownsampleOptions } from './unet/downsample.js';
export { type FourierFilterOptions, fourierFilter } from './unet/fourier-filter.js';
export { FreeU, type FreeUConfig } from './unet/freeu.js';
export { ResBlock, type ResBlockOptions } from './unet/res-block.js';
export { SpatialTransformer, type SpatialTransformerOptions } from './unet/spatial-transformer.js';
export {
  type TimestepEmbeddingForm,
  type TimestepEmbeddingOptions,
  timestepEmbedding,
} from './unet/timestep-embedding.js';
export { type UNetInputs, UNetModel } from './unet/unet.js';
export { Upsample, type UpsampleOptions } from './unet/upsample.js';
export { ActNorm } from './vae/act-norm.js';
export { adaptiveWeight, type LastLayer } from './vae/adaptive-weight.js';
export { type AttnType, LinearAttnBlock, VaeAttnBlock } from './vae/attn-block.js';
export { AutoencoderKL, type AutoencoderShape } from './vae/autoencoder.js';
export { Decoder } from './vae/decoder.js';
export { type DiscriminatorPass, NLayerDiscriminator } from './vae/discriminator.js';
export { Encoder } from './vae/encoder.js';
export {
  type DiscriminatorInputs,
  type GanLoss,
  type GeneratorInputs,
  LPIPSWithDiscriminator,
} from './vae/gan-loss.js';
export { discriminatorPass, type GanPassInputs, generatorPass } from './vae/gan-passes.js';
export { LPIPS, normalizeFeatures } from './vae/lpips.js';
export {
  klDivergence,
  type LatentPosterior,
  negativeLogLikelihood,
  posteriorMode,
  posteriorOf,
  posteriorStd,
  posteriorVariance,
  samplePosterior,
} from './vae/posterior.js';
export { VaeDownsample, type VaeResampleOptions, VaeUpsample } from './vae/resample.js';
export { ResnetBlock, type ResnetBlockOptions } from './vae/resnet-block.js';
export type { VaePassOptions } from './vae/stage.js';
