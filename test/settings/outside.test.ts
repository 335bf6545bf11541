import assert from 'node:assert/strict';
import { groupNames } from '../../components/catalog.ts';
import { goDuration, type Outside } from '../../components/outside.ts';
import type { GroupManner } from '../../settings/groups.ts';
import { lineOf } from '../../settings/mistake.ts';
import { checkOutside } from '../../settings/outside.ts';
import { leaks, makeCanary } from '../canary.ts';

const manner: GroupManner = { naming: 'fixed', source: 'stack', env: 'files' };

function check(
  externalWithin: unknown,
  trading: Partial<GroupManner> = { source: 'external' },
): { readonly lines: readonly string[]; readonly outside: Outside | undefined } {
  const lines: string[] = [];
  const config = { externalWithin };
  const raw = { stack: 'prod', config, stackFile: undefined, projectDirectory: '.' };
  const manners = Object.fromEntries(groupNames.map((name) => [name, manner]));
  const all = { ...manners, trading: { ...manner, ...trading } } as Parameters<
    typeof checkOutside
  >[1];
  const outside = checkOutside(raw, all, (mistake) => void lines.push(lineOf(mistake)));
  return { lines, outside };
}

describe('the time within which a value from outside is with the bot', () => {
  it('leaves to the store what the kubelet and two looks do not take', () => {
    for (const [within, refreshSeconds] of [
      [undefined, 190],
      ['', 190],
      ['5m', 190],
      ['2m', 10],
      ['120s', 10],
      ['1m90s', 40],
      ['1h30m', 5290],
      ['24h', 86_290],
    ] as const) {
      assert.deepEqual(check(within), { lines: [], outside: { refreshSeconds } }, within);
    }
  });

  it('can be never', () => {
    assert.deepEqual(check('never'), { lines: [], outside: undefined });
    assert.deepEqual(check('never', { source: 'external', env: 'values' }).lines, []);
  });

  it('is refused in one line with the command: shorter, longer, without unit, of another form', () => {
    for (const within of [
      '119s',
      '1m',
      '25h',
      '86401s',
      '5',
      5,
      300,
      true,
      [],
      '5M',
      '-5m',
      '5m ',
      'm',
    ]) {
      const { lines } = check(within);
      assert.equal(lines.length, 1, JSON.stringify(within));
      assert.match(
        lines[0] ?? '',
        /^externalWithin: got .+; allowed: 2m to 24h, as 5m or 1h30m; or never; fix: \S.* config set externalWithin 5m --stack prod$/u,
      );
    }
    const canary = makeCanary('within');
    assert.deepEqual(leaks(check(canary).lines.join(), new Map([['within', canary]])), []);
  });

  it('cannot be promised for what stands in the environment of a bot that runs', () => {
    const { lines } = check('5m', { source: 'external', env: 'values' });
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^groups\.trading\.env: got values, with externalWithin 5m; allowed: files, .*; fix: \S.*--path 'groups\.trading\.env' files --stack prod$/u,
    );
    assert.deepEqual(check('', { source: 'external', env: 'values' }).lines, []);
    assert.deepEqual(check('5m', { source: 'stack', env: 'values' }).lines, []);
  });

  it('is written as Go writes a duration', () => {
    const written = [10, 60, 190, 3600, 5290, 86_290].map(goDuration);
    assert.deepEqual(written, ['10s', '1m0s', '3m10s', '1h0m0s', '1h28m10s', '23h58m10s']);
  });
});
