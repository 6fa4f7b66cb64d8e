export { type ClassInfluence, classInfluence, meanInfluence } from './class-influence.js';
export {
  type CollaborateOptions,
  type Collaborator,
  collaborate,
  type InfluenceInput,
  influenceInputs,
  type RuledMix,
} from './collaborate.js';
export { branchPrefixes, composedKey, withBranchUNet } from './compose/branch-keys.js';
export { ComposeCondStage } from './compose/compose-cond-stage.js';
export { type ComposeOptions, composeOptions, type OriginalMix } from './compose/compose-options.js';
export { type ComposeInputs, ComposeUNet, type ComposeUNetParts } from './compose/compose-unet.js';
export { type ByCondition, type Contexts, joinContexts, repeatContexts } from './compose/contexts.js';
export {
  type ComposeBatch,
  LatentDiffusionCompose,
  type LatentDiffusionComposeParts,
} from './compose/latent-diffusion-compose.js';
export { composeFixed, type FixedCollaborator } from './compose-fixed.js';
export {
  type ConfidenceOptions,
  confidenceMix,
  confidenceRecorder,
  type MixStep,
  sampleConfidence,
} from './confidence-sampler.js';
export {
  ComposeCondStageConfig,
  ComposeUNetConfig,
  ConfidenceSamplerConfig,
} from './config/compose-unet-config.js';
export { CONDITIONS, type Condition, sameConditions } from './config/conditions.js';
export { branchField, LatentDiffusionComposeConfig } from './config/latent-diffusion-compose-config.js';
export { COMPOSE_TARGETS } from './config/target-ids.js';
export { codiffRegistry, composeRoles } from './config/targets.js';
export { type ConstantAxis, constantAxes } from './constant-influence.js';
export { type ContactSheet, contactSheet, type SheetCell } from './edit/contact-sheet.js';
export {
  adamBy,
  embeddingOf,
  embeddingStep,
  IMAGIC_STAGES,
  imagicAdam,
  reconstructionError,
  startEmbedding,
  startTuning,
  takeForTuning,
  weightsStep,
} from './edit/imagic.js';
export { COLLABORATIVE_ALPHAS, IMAGIC_ALPHAS, interpolate } from './edit/interpolate.js';
export { LETTER, letterDot } from './edit/pixel-font.js';
export {
  type NoiseDraw,
  noiseDraws,
  runTuning,
  type TuneEvent,
  type TuneResult,
  type TuneRun,
  type TuneState,
  tuneStep,
  type Update,
} from './edit/tune.js';
export { blend } from './images/blend.js';
export { type GridOptions, makeGrid } from './images/grid.js';
export { type ByteImage, type ImageBatch, joinBatches, readImages } from './images/image.js';
export { editedImageBytes, imageBytes, latentBytes } from './images/levels.js';
export { imageSheet, influenceSheet, type LoggerSheetOptions, loggerSheet, STEP_GRID } from './images/sheets.js';
export { checkRules, type InfluenceOptions, type InfluenceRule, influenceMaps } from './influence.js';
export { type InfluenceSchedule, influenceSchedules, scheduleFactor } from './influence-schedule.js';
export { type MixDenoiserOptions, type MixEvent, mixDenoiser } from './mix-denoiser.js';
export { type MixRecorder, type MixRecorderOptions, recordMixes } from './mix-recorder.js';
export { specsOf } from './model-specs.js';
export type { MixedNoise, NoiseMix } from './noise-mix.js';
export { dataUri } from './report/data-uri.js';
export { escapeHtml, Html, type HtmlPart, html, jsonData, rawHtml } from './report/html.js';
export { LINE_COLORS, type LinePlot, linePlot, type PlotAxis, type PlotSeries } from './report/line-plot.js';
export { factsTable, type ReportPage, reportPage, section } from './report/page.js';
export { type AxisTicks, formatNumber, linearTicks, logTicks, type Scale } from './report/ticks.js';
