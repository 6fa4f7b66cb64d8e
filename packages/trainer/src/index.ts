export { type BestOptions, type Ranked, rank } from './checkpoint/best.js';
export { CheckpointKeeper, epochFile, type KeeperOptions, type Restored } from './checkpoint/keeper.js';
export { BEGINNING, type Progress } from './checkpoint/progress.js';
export {
  loadRunCheckpoint,
  type RunContents,
  type RunRecord,
  readRunRecord,
  saveRunCheckpoint,
} from './checkpoint/run-checkpoint.js';
export { lockRun } from './checkpoint/run-lock.js';
export {
  CudaCallbackConfig,
  ImageLoggerConfig,
  LearningRateMonitorConfig,
  ModelCheckpointConfig,
  SetupCallbackConfig,
  TestTubeLoggerConfig,
} from './config/callback-configs.js';
export { DataModuleConfig, DatasetConfig, PreprocessorConfig } from './config/data-configs.js';
export {
  CallbacksConfig,
  DEFAULT_CALLBACKS,
  LightningConfig,
  TrainerConfig,
  withLightningDefaults,
} from './config/lightning-config.js';
export { trainerRegistry, trainerRoles } from './config/targets.js';
export { checkTrainingConfig, TrainingFile } from './config/training-file.js';
export { CAPTION_KEY, readCaptions } from './data/captions.js';
export {
  type BadSample,
  checkDataset,
  type DatasetReport,
  type SampleFault,
  type SeenSample,
} from './data/check/check-dataset.js';
export { CheckSheet } from './data/check/check-sheet.js';
export { classIndex, FACE_CLASSES, type FaceClass, MASK_SIDE } from './data/classes.js';
export { colourMask, contactSheet } from './data/contact-sheet.js';
export { DataError, type DataFault } from './data/data-error.js';
export { type DataModule, dataModuleOf, faceDatasetOf } from './data/data-module.js';
export { resolveDataPath } from './data/dataset-paths.js';
export { decodeImage, encodePng } from './data/decode-image.js';
export { type Draws, seededDraws, shuffled } from './data/draws.js';
export { encodeJpeg } from './data/encode-jpeg.js';
export {
  type ConditionName,
  conditionNames,
  FaceDataset,
  type FaceDatasetOptions,
  type FaceItem,
  type OriginalItem,
  originalItem,
} from './data/face-dataset.js';
export { type DatasetFolders, findFolders, LAYOUT } from './data/layout.js';
export type { LoaderPosition } from './data/loader/batch-order.js';
export type { FaceBatch } from './data/loader/collate.js';
export { FaceLoader, type FaceLoaderOptions } from './data/loader/face-loader.js';
export { readMaskPng } from './data/mask-png.js';
export { labelsOf, oneHot, readOneHot, writeOneHot } from './data/one-hot.js';
export { crop, type Pixels } from './data/pixels.js';
export { type PrepareOptions, type PrepareReport, prepareDataset } from './data/prepare/prepare.js';
export { type PreprocessOptions, preprocess } from './data/preprocessor.js';
export { type ResizeFilter, resize, resizeFilters } from './data/resize.js';
export { readSketch, type Sketch, sketchOf } from './data/sketch.js';
export { type Caption, parseCaption, writeCaption } from './data/synth/caption.js';
export type { Age, Beard, CaptionFacts, FaceFacts, Gender } from './data/synth/facts.js';
export { type SynthOptions, type SynthSummary, synthesize } from './data/synth/synthesize.js';
export { type FileTensor, readTensorFile, writeTensorFile } from './data/tensor-file.js';
export { encodeMaskPng } from './data/write-mask-png.js';
export { ATTRIBUTES, type Attribute, attributeNames, DrawingClassifier } from './evaluate/drawing-classifier.js';
export { drawingNetworks, type WantedNetworks } from './evaluate/drawing-networks.js';
export { DRAWING_SIDE, DrawingParser } from './evaluate/drawing-parser.js';
export { type DrawnSet, drawSet } from './evaluate/drawn-set.js';
export { EvaluationError } from './evaluate/evaluation-error.js';
export {
  type EvaluationRow,
  type EvaluationTable,
  evaluationTable,
  type MetricName,
  metricNames,
  PROTOCOLS,
  type ProtocolName,
  type TableOptions,
} from './evaluate/evaluation-table.js';
export { faceNetworks } from './evaluate/face-networks.js';
export { type FolderInputs, folderEntries, type HeldOutFace, heldOutFaces } from './evaluate/held-out-faces.js';
export { type ImageEntry, listImages } from './evaluate/image-set.js';
export { type Measured, type MeasureOptions, measureImages } from './evaluate/measure.js';
export { NETWORK_FILES, type NetworkFile, NetworkFileError, networkFile } from './evaluate/network-files.js';
export type {
  Consistency,
  EvaluationNetworks,
  FaceParser,
  FeatureNetwork,
  PairNetwork,
  TextJudge,
} from './evaluate/networks.js';
export {
  EVALUATOR_TRAINING,
  type EvaluatorName,
  evaluatorNames,
  type HeldOutAccuracy,
  trainEvaluator,
} from './evaluate/train-evaluators.js';
export type { NetworkTraining } from './evaluate/train-network.js';
export { type LogStart, openEventFile } from './log/event-file.js';
export { type LogLine, openJsonLines, readLogLines } from './log/json-lines.js';
export { joinSinks, type LoggedImage, type LogSink } from './log/log-sink.js';
export {
  type BatchSource,
  batchSizeOf,
  type HostBatch,
  type HostTensor,
  saveBatch,
  toTensors,
} from './loop/batch-source.js';
export {
  type ImageCadence,
  type ImageLogMoment,
  type ImageLogState,
  imagesDue,
  startImageLog,
} from './loop/image-cadence.js';
export { NonFiniteLossError } from './loop/non-finite-loss.js';
export { type Requests, watchSignals } from './loop/signals.js';
export { train } from './loop/train.js';
export type {
  Forecast,
  ImageMoment,
  ImageWriter,
  Pace,
  TrainEnd,
  TrainEvent,
  TrainLimits,
  TrainRun,
} from './loop/train-run.js';
export { type Validation, validate } from './loop/validate.js';
export { batchBranches } from './parallel/batch-branches.js';
export { type Replicas, replicasOf } from './parallel/replicas.js';
export { Team, type TeamOptions } from './parallel/team.js';
export { ReplicasDifferError, type RunKeeper, TeamKeeper } from './parallel/team-keeper.js';
export type { AllReduce, TeamPlace } from './parallel/team-place.js';
export { parseRunLog, type RunLog } from './report/run-log.js';
export { RUN_REPORT, writeRunReport } from './report/write-run-report.js';
export { type BuiltTraining, buildTraining } from './run/build-training.js';
export { type DryRunPlan, describePlan, dryRun, type PlannedPart } from './run/dry-run.js';
export { captionTokenizer, faceSource, type Tokenize } from './run/face-source.js';
export {
  makeRunFolder,
  newRunFolder,
  type ResumedRun,
  type RunFolder,
  type RunName,
  resumedRun,
} from './run/run-folder.js';
export { startWeights } from './run/start-weights.js';
export { type RunEnd, trainFromConfig } from './run/train-from-config.js';
export type { TrainRequest } from './run/train-request.js';
export { composeTraining } from './steps/compose-training.js';
export { type Compile, eagerly } from './steps/consume.js';
export type { DiffusionTrainingOptions } from './steps/diffusion-training.js';
export { latentDiffusionTraining } from './steps/latent-diffusion-training.js';
export { describeLearningRate, type LearningRateRule, learningRate } from './steps/learning-rate.js';
export type {
  Divided,
  EvaluateControl,
  Logs,
  OptimGroup,
  StepControl,
  TensorBatch,
  Training,
  TrainState,
  UpdateOptions,
} from './steps/train-state.js';
export {
  divideVae,
  type GanAutoencoder,
  type VaeBatch,
  type VaePlans,
  type VaeTrainingOptions,
  vaePlans,
  vaeStep,
  vaeTraining,
} from './steps/vae-training.js';
export { RunFailure, TrainError } from './train-error.js';
