import { describe, expect, test } from 'vitest';
import { topicConfigs } from '../../../src/base/configs/topic-configs.ts';
import { applyConfigChanges } from '../../../src/engine/config-changes.ts';
import { ConfigStore, checkTogether } from '../../../src/engine/config-store.ts';

function store(values: Record<string, string> = {}, unknown: string[] = []): ConfigStore {
  return new ConfigStore(new Map(Object.entries(values)), (name) => unknown.push(name));
}

const none: ReadonlyMap<string, string> = new Map();

describe('where a value comes from', () => {
  test('retention.ms: ms before minutes before hours, the topic before all', () => {
    expect(store().topicNumber(none, 'retention.ms')).toBe(604_800_000);
    const hours = { 'log.retention.hours': '2' };
    expect(store(hours).topicNumber(none, 'retention.ms')).toBe(7_200_000);
    const minutes = { ...hours, 'log.retention.minutes': '3' };
    expect(store(minutes).topicNumber(none, 'retention.ms')).toBe(180_000);
    const ms = { ...minutes, 'log.retention.ms': '4' };
    expect(store(ms).topicNumber(none, 'retention.ms')).toBe(4);
    expect(store(ms).topicNumber(new Map([['retention.ms', '5']]), 'retention.ms')).toBe(5);
  });

  test('-1 hours is no limit, not -3,600,000 ms', () => {
    expect(store({ 'log.retention.hours': '-1' }).topicNumber(none, 'retention.ms')).toBe(-1);
  });

  test('a value set at run time is stronger than one given at the start', () => {
    const configs = store({ 'message.max.bytes': '10' });
    expect(configs.brokerNumber('message.max.bytes')).toBe(10);
    configs.setDynamic(new Map([['message.max.bytes', '20']]));
    expect(configs.brokerNumber('message.max.bytes')).toBe(20);
    expect(configs.topicNumber(none, 'max.message.bytes')).toBe(20);
    const shown = configs.brokerValues().find((value) => value.name === 'message.max.bytes');
    expect(shown).toMatchObject({
      value: '20',
      source: 'dynamic-broker',
      readOnly: false,
      type: 'int',
      synonyms: [
        { name: 'message.max.bytes', value: '20', source: 'dynamic-broker' },
        { name: 'message.max.bytes', value: '10', source: 'static-broker' },
        { name: 'message.max.bytes', value: '1048588', source: 'default' },
      ],
    });
    configs.setDynamic(new Map());
    expect(configs.brokerNumber('message.max.bytes')).toBe(10);
  });

  test("a topic's value is shown as it was written, a default in the topic's units", () => {
    const own = new Map([['retention.ms', '9223372036854775807']]);
    const shown = store()
      .topicValues(own)
      .find((value) => value.name === 'retention.ms');
    expect(shown).toMatchObject({ value: '9223372036854775807', source: 'topic' });
    expect(shown?.synonyms).toEqual([
      { name: 'retention.ms', value: '9223372036854775807', source: 'topic' },
    ]);
    const byDefault = store()
      .topicValues(none)
      .find((value) => value.name === 'retention.ms');
    expect(byDefault).toMatchObject({ value: '604800000', source: 'default' });
  });

  test('hidden configs show only when set', () => {
    const names = (configs: ReadonlyMap<string, string>): string[] =>
      store()
        .topicValues(configs)
        .map((value) => value.name);
    expect(names(none)).not.toContain('internal.segment.bytes');
    expect(names(new Map([['internal.segment.bytes', '100']]))).toContain('internal.segment.bytes');
  });

  test('an unknown name is told and left out, a wrong value is refused', () => {
    const unknown: string[] = [];
    store({ 'no.such': '1', 'num.partitions': '3' }, unknown);
    expect(unknown).toEqual(['no.such']);
    expect(() => store({ 'num.partitions': '0' })).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });

  test('configs that contradict each other are refused together', () => {
    const configs = new Map([
      ['min.compaction.lag.ms', '10'],
      ['max.compaction.lag.ms', '5'],
    ]);
    expect(() => checkTogether(store(), configs)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  });
});

describe('changes of configs', () => {
  const current = new Map([['cleanup.policy', 'compact']]);
  const change = (
    name: string,
    operation: 'set' | 'delete' | 'append' | 'subtract',
    value: string | null,
  ) => applyConfigChanges(topicConfigs, current, [{ name, operation, value }], () => 'delete');

  test('set, delete, append and subtract', () => {
    expect(change('cleanup.policy', 'set', 'delete').get('cleanup.policy')).toBe('delete');
    expect(change('cleanup.policy', 'delete', null).has('cleanup.policy')).toBe(false);
    expect(change('cleanup.policy', 'append', 'delete').get('cleanup.policy')).toBe(
      'compact,delete',
    );
    expect(change('cleanup.policy', 'append', 'compact').get('cleanup.policy')).toBe('compact');
    expect(change('cleanup.policy', 'subtract', 'compact').get('cleanup.policy')).toBe('');
    expect(current.get('cleanup.policy')).toBe('compact');
  });

  test('append to a list that is not set starts from the value that stands', () => {
    const changed = applyConfigChanges(
      topicConfigs,
      new Map(),
      [{ name: 'cleanup.policy', operation: 'append', value: 'compact' }],
      () => 'delete',
    );
    expect(changed.get('cleanup.policy')).toBe('delete,compact');
  });

  test('what makes no sense is refused', () => {
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(() => change('retention.ms', 'append', '1')).toThrow(code('INVALID_CONFIG'));
    expect(() => change('no.such', 'set', '1')).toThrow(code('INVALID_CONFIG'));
    expect(() => change('retention.ms', 'set', null)).toThrow(code('INVALID_REQUEST'));
    const twice = { name: 'retention.ms', operation: 'set', value: '1' } as const;
    expect(() => applyConfigChanges(topicConfigs, current, [twice, twice], () => '')).toThrow(
      code('INVALID_REQUEST'),
    );
  });
});
