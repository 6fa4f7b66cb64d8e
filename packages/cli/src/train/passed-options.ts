/**
 * Names of the options that the original's trainer takes on its command line. Kept here as well as in the trainer's schema,
 * since `--help` and wrong flags must not load the trainer; a test compares the two.
 */
export const PASSED_TRAINER_OPTIONS: readonly string[] = [
  'accelerator amp_backend amp_level auto_lr_find auto_scale_batch_size auto_select_gpus benchmark',
  'checkpoint_callback default_root_dir deterministic devices distributed_backend fast_dev_run',
  'flush_logs_every_n_steps gradient_clip_algorithm ipus limit_predict_batches limit_test_batches',
  'log_gpu_memory min_epochs min_steps move_metrics_to_cpu',
  'multiple_trainloader_mode num_nodes num_processes overfit_batches plugins prepare_data_per_node',
  'process_position profiler progress_bar_refresh_rate reload_dataloaders_every_epoch reload_dataloaders_every_n_epochs',
  'replace_sampler_ddp stochastic_weight_avg sync_batchnorm terminate_on_nan tpu_cores track_grad_norm',
  'truncated_bptt_steps val_check_interval weights_save_path weights_summary',
].flatMap((line) => line.split(' '));
