// The door of tools/torture: tries a disk and its file system with the storage itself.

export { type ArmedCheck, type ArmOptions, arm, armedDirectory, checkArmed } from './arm.ts';
export { type Round, type RoundKind, type TortureReport, textOf } from './report.ts';
export { runTorture, type TortureOptions, workDirectory } from './run.ts';
