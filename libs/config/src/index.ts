export { configurationPage } from './configuration-page.ts';
export {
  type SettingDescription,
  type SettingState,
  describeSettings,
  showSettings,
  unknownSettings,
} from './description.ts';
export { childEnvironment } from './child-environment.ts';
export type { Environment } from './setting.ts';
export { type SettingProblem, SettingsError } from './settings-error.ts';
export { type Settings, loadSettings } from './settings.ts';
export type { PageKindSetting, SinkSetting } from './sink-setting.ts';
export { stepEnvironment } from './step-environment.ts';
