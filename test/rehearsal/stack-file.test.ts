/** The rehearsal's copy of a stack file: what is replaced, what is left out, what stays. */
import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { rehearsed, settingIn } from '../../rehearsal/stack-file.ts';
import { makeCanary } from '../canary.ts';

const project = 'hummingbot-secrets';
const account = '111122223333';

function copy(text: string, replacements: Parameters<typeof rehearsed>[2] = { account }) {
  const copied = rehearsed(text, project, replacements);
  return { ...copied, file: parse(copied.text) as Record<string, never> };
}

describe("the rehearsal's copy of a stack file", () => {
  const canary = makeCanary('committed');
  const committed = `secretsprovider: awskms://alias/real
encryptedkey: ${canary}
encryptionsalt: v1:abc
config:
  # prod
  ${project}:environment: prod
  ${project}:account: "999999999999"
  ${project}:protect: true
  ${project}:storageClass: gp3
  ${project}:deployRoles: ["arn:aws:iam::999999999999:role/ci/deploy"]
  ${project}:trading:
    binance_api_key:
      secure: ${canary}
`;

  it('leaves out encryption and values, and repeats neither', () => {
    const { file, text, replaced } = copy(committed);
    assert.deepEqual(Object.keys(file), ['config']);
    assert.equal(settingIn(text, project, 'trading'), undefined);
    assert.ok(!text.includes(canary));
    assert.ok(!replaced.join('\n').includes(canary));
  });

  it('has no alerts, and names who administers its cluster beside those of the file', () => {
    const more = `${committed}  ${project}:administrators: ["Group:ops", "arn:aws:iam::999999999999:role/admin"]
  ${project}:alertTopic: arn:aws:sns:us-east-1:999999999999:alerts\n`;
    const options = { administrator: 'User:deployer' };
    const { text, replaced } = rehearsed(more, project, { account }, options);
    assert.equal(settingIn(text, project, 'alertTopic'), undefined);
    assert.deepEqual(settingIn(text, project, 'administrators'), [
      'Group:ops',
      `arn:aws:iam::${account}:role/admin`,
      'User:deployer',
    ]);
    assert.equal(replaced.filter((line) => line.startsWith('administrators: ')).length, 1);
  });

  it('replaces what it is given and says from what to what', () => {
    const { text, replaced } = copy(committed, { account, image: 'x@sha256:1' });
    assert.equal(settingIn(text, project, 'account'), account);
    assert.equal(settingIn(text, project, 'image'), 'x@sha256:1');
    assert.ok(replaced.includes('image: unset -> x@sha256:1'));
    assert.ok(replaced.includes(`account: 999999999999 -> ${account}`));
  });

  it('moves the roles that deploy to the account, and names one where there is none', () => {
    const moved = copy(committed).text;
    const own = `arn:aws:iam::${account}:role/ci/deploy`;
    assert.deepEqual(settingIn(moved, project, 'deployRoles'), [own]);
    const none = copy(`config:\n  ${project}:environment: prod\n`).text;
    const made = `arn:aws:iam::${account}:role/rehearsal-deployer`;
    assert.deepEqual(settingIn(none, project, 'deployRoles'), [made]);
  });

  it('keeps every other setting: protection, class, comments', () => {
    const { text } = copy(committed);
    assert.equal(settingIn(text, project, 'protect'), true);
    assert.equal(settingIn(text, project, 'storageClass'), 'gp3');
    assert.match(text, /# prod/);
  });

  it('of a stack without a cluster replaces nothing of AWS', () => {
    const { text } = copy(`config:\n  ${project}:environment: dev\n`, { image: 'x' });
    assert.equal(settingIn(text, project, 'deployRoles'), undefined);
  });
});
