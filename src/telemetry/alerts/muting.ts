import type { TimeMs } from '../../base/units.ts';
import type { AlertConfig } from '../../model/alert-rule.ts';
import type { Alert, AlertState } from './alert-state.ts';
import { fitTogether } from './evaluate.ts';

export interface Muting {
  /** `silence`: somebody knows of it; `inhibited`: something worse says enough. */
  readonly kind: 'silence' | 'inhibited';
  readonly why: string;
}

/** Why nobody is told of an alert; undefined where somebody is. */
export function mutingOf(
  config: AlertConfig,
  state: AlertState,
  at: TimeMs,
): (alert: Alert) => Muting | undefined {
  const silences = [...config.silences, ...state.silences].filter(({ until }) => until > at);
  const firing = Map.groupBy(
    state.active.filter((alert) => alert.state === 'firing'),
    ({ rule }) => rule,
  );
  const above = config.rules.filter(
    ({ name, inhibits }) => inhibits.length > 0 && firing.has(name),
  );
  return (alert) => {
    const silence = silences.find(({ matches }) =>
      Object.entries(matches).every(
        ([name, value]) => (name === 'alert' ? alert.rule : alert.labels[name]) === value,
      ),
    );
    if (silence !== undefined) return { kind: 'silence', why: `silence ${silence.id}` };
    const worse = above.find(
      ({ name, inhibits }) =>
        inhibits.includes(alert.rule) &&
        firing.get(name)!.some(({ series }) => fitTogether(series, alert.series)),
    );
    return worse && { kind: 'inhibited', why: `${worse.name} fires` };
  };
}
