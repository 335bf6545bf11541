import assert from 'node:assert/strict';
import { parseRequest, Verdict } from '../../operations/policies.ts';

const urn = (type: string, name: string): string =>
  `urn:pulumi:dev::hummingbot-secrets::my:component$${type}::${name}`;
const violation = (policyName: string, message: string, resourceUrn?: string) => ({
  policyEvent: {
    policyName,
    message,
    enforcementLevel: 'mandatory',
    ...(resourceUrn && { resourceUrn }),
  },
});

describe('npm run policies', () => {
  it('asks about dev when nothing is said', () => {
    assert.deepEqual({ ...parseRequest([]) }, { stack: 'dev' });
    assert.deepEqual({ ...parseRequest(['-s', 'prod']) }, { stack: 'prod' });
  });

  for (const words of [['prod'], ['--nope'], ['--stack']]) {
    it(`refuses ${words.join(' ')} in one line`, () => {
      const message = /^npm run policies: got .*; allowed: npm run policies -- \[--stack NAME\]$/u;
      assert.throws(() => parseRequest(words), { message });
    });
  }

  it('says each violation in one line, and once, though two policies of a rule have seen it', () => {
    const verdict = new Verdict();
    const message = 'What must hold\nmode: got 0644; allowed: x; fix: y\n';
    verdict.hear(violation('closed-files', message, urn('hummingbot:index:File', 'a')));
    verdict.hear(violation('closed-files-of-stack', message, urn('hummingbot:index:File', 'a')));
    verdict.hear(violation('one-bot', 'stack: got 2 bots', urn('pulumi:pulumi:Stack', 'x')));
    assert.deepEqual(verdict.violations, [
      'closed-files: hummingbot:index:File a: mode: got 0644; allowed: x; fix: y',
      'one-bot: the stack: stack: got 2 bots',
    ]);
    assert.equal(verdict.rules, 2);
  });

  it('knows whether the pack was asked at all, and takes advice for none', () => {
    const verdict = new Verdict();
    verdict.hear({ policyEvent: { policyName: 'x', message: 'y', enforcementLevel: 'advisory' } });
    verdict.hear({ summaryEvent: { resourceChanges: { create: 2, same: 3 } } });
    assert.ok(!verdict.asked);
    verdict.hear({
      summaryEvent: { PolicyPacks: { x: '1' }, resourceChanges: { create: 2, same: 3 } },
    });
    assert.ok(verdict.asked);
    assert.equal(verdict.resources, 5);
    assert.deepEqual(verdict.violations, []);
  });
});
