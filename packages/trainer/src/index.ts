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
