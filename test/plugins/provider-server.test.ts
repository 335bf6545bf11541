/** A real plugin process, asked over gRPC as the engine asks it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import providerGrpc from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import proto from '@pulumi/pulumi/proto/provider_pb.js';
import statusProto from '@pulumi/pulumi/proto/status_pb.js';
import emptyProto from 'google-protobuf/google/protobuf/empty_pb.js';
import structProto from 'google-protobuf/google/protobuf/struct_pb.js';
import {
  fromJson,
  isSecret,
  markLike,
  type Properties,
  secret,
  unwrap,
} from '../../plugins/provider-server.ts';
import { leaks, makeCanary } from '../canary.ts';

type Answer<T> = (error: grpc.ServiceError | null, response: T) => void;

const urn = 'urn:pulumi:dev::p::fixture:index:Thing::a';
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const struct = (value: Properties) => structProto.Struct.fromJavaScript(value as never);

describe('the server of our plugins', () => {
  let child: ChildProcess;
  let client: providerGrpc.ResourceProviderClient;

  before(async function () {
    this.timeout(20_000);
    const main = join(import.meta.dirname, 'fixtures/plugin.ts');
    child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(child.stdout !== null);
    const [port] = await once(child.stdout, 'data');
    client = new providerGrpc.ResourceProviderClient(
      `127.0.0.1:${String(port).trim()}`,
      grpc.credentials.createInsecure(),
    );
  });

  after(async () => {
    client.close();
    child.kill();
    await once(child, 'exit');
  });

  const ask = async <T>(start: (answer: Answer<T>) => unknown): Promise<T> =>
    await new Promise((resolve, reject) => {
      start((error, response) => (error === null ? resolve(response) : reject(error)));
    });
  const create = async (inputs: Properties, preview = false, type = urn) => {
    const request = new proto.CreateRequest().setUrn(type).setProperties(struct(inputs));
    request.setPreview(preview).setTimeout(90);
    return await ask<proto.CreateResponse>((done) => client.create(request, done));
  };

  it('hands the provider its inputs and says that it knows secrets and previews', async () => {
    const args = struct({ kubeconfig: secret('text'), flag: 'true' });
    const request = new proto.ConfigureRequest().setArgs(args);
    const answer = await ask<proto.ConfigureResponse>((done) => client.configure(request, done));
    assert.equal(answer.getAcceptsecrets(), true);
    assert.equal(answer.getSupportspreview(), true);
    const made = await create({ name: 'n' });
    const outs = made.getProperties()?.toJavaScript() as Properties;
    assert.deepEqual(outs, {
      configured: { kubeconfig: 'text', flag: 'true' },
      preview: false,
      timeoutSeconds: 90,
      unknown: false,
      urn,
    });
    assert.equal(made.getId(), 'the-id');
  });

  it('checks and compares the provider inputs', async () => {
    const news = struct({ region: 'nowhere' });
    const check = new proto.CheckRequest().setNews(news);
    const checked = await ask<proto.CheckResponse>((done) => client.checkConfig(check, done));
    assert.deepEqual(
      checked.getFailuresList().map((each) => each.toObject()),
      [{ property: 'region', reason: 'no such' }],
    );
    const request = new proto.DiffRequest().setOlds(struct({ region: 'a' })).setNews(news);
    const diff = await ask<proto.DiffResponse>((done) => client.diffConfig(request, done));
    assert.deepEqual(diff.getReplacesList(), ['region']);
  });

  it('tells a preview from an update, and leaves alone what knows no previews', async () => {
    const outs = (await create({ name: 'n', later: unknown }, true)).getProperties();
    assert.equal(outs?.toJavaScript().preview, true);
    assert.equal(outs?.toJavaScript().unknown, true);
    const still = await create({ name: 'n' }, true, urn.replace('Thing', 'Still'));
    assert.deepEqual(still.getProperties()?.toJavaScript(), { name: 'n' });
    assert.equal(still.getId(), '');
  });

  it('carries secrets through check and invoke', async () => {
    const key = makeCanary('check');
    const news = struct({ name: 'n', key: secret(key) });
    const check = new proto.CheckRequest().setUrn(urn).setNews(news);
    const checked = await ask<proto.CheckResponse>((done) => client.check(check, done));
    const inputs = checked.getInputs()?.toJavaScript() as Properties;
    assert.ok(isSecret(inputs.key));
    assert.equal(unwrap(inputs.key), key);

    const invoke = new proto.InvokeRequest().setTok('fixture:index:echo');
    invoke.setArgs(struct({ key: secret('abc') }));
    const invoked = await ask<proto.InvokeResponse>((done) => client.invoke(invoke, done));
    const result = invoked.getReturn()?.toJavaScript() as Properties;
    assert.ok(isSecret(result.key));
    assert.equal(result.size, 3);
  });

  it('answers a diff in detail, with the inputs of the last update', async () => {
    const request = new proto.DiffRequest().setUrn(urn).setOlds(struct({ name: 'a' }));
    request.setNews(struct({ name: 'b' })).setOldInputs(struct({ name: 'fixed' }));
    const diff = await ask<proto.DiffResponse>((done) => client.diff(request, done));
    assert.equal(diff.getDeletebeforereplace(), true);
    assert.equal(diff.getHasdetaileddiff(), true);
    const detail = diff.getDetaileddiffMap().get('name');
    assert.equal(detail?.getKind(), proto.PropertyDiff.Kind.UPDATE_REPLACE);
    assert.equal(detail?.getInputdiff(), true);
  });

  it('says that a resource is gone by an empty answer', async () => {
    const request = new proto.ReadRequest().setUrn(urn).setId('gone');
    const gone = await ask<proto.ReadResponse>((done) => client.read(request, done));
    assert.equal(gone.getId(), '');
    request.setId('x').setInputs(struct({ name: 'n' }));
    const found = await ask<proto.ReadResponse>((done) => client.read(request, done));
    assert.deepEqual(found.getProperties()?.toJavaScript(), { name: 'n' });
  });

  it('fails in one line, and never with the text of an error that is not ours', async () => {
    await assert.rejects(create({ name: 'line' }), { details: 'first second' });
    const key = makeCanary('bug');
    await assert.rejects(create({ name: 'bug', key }), (error: grpc.ServiceError) => {
      assert.match(
        error.details,
        /^fixture:index:Thing: TypeError in the plugin at plugin\.ts:\d+;/,
      );
      assert.deepEqual(leaks(JSON.stringify(error), new Map([['bug', key]])), []);
      return true;
    });
  });

  it('hands over what was half made, with the reasons', async () => {
    await assert.rejects(create({ name: 'half', key: 'k' }), (error: grpc.ServiceError) => {
      const [bytes] = error.metadata.get('grpc-status-details-bin');
      const status = statusProto.Status.deserializeBinary(bytes as Buffer);
      const detail = proto.ErrorResourceInitFailed.deserializeBinary(
        status.getDetailsList()[0]?.getValue_asU8() ?? new Uint8Array(),
      );
      assert.equal(detail.getId(), 'the-id');
      assert.deepEqual(detail.getReasonsList(), ['why']);
      assert.ok(isSecret(detail.getProperties()?.toJavaScript().key));
      return true;
    });
  });

  it('refuses types and functions that it does not have, and names those that it has', async () => {
    await assert.rejects(create({}, false, urn.replace('Thing', 'Other')), {
      details:
        'resource type fixture:index:Other: not in this plugin; allowed: fixture:index:Thing, fixture:index:Still',
    });
    const invoke = new proto.InvokeRequest().setTok('fixture:index:none');
    await assert.rejects(
      ask<proto.InvokeResponse>((done) => client.invoke(invoke, done)),
      { details: 'function fixture:index:none: not in this plugin; allowed: fixture:index:echo' },
    );
  });

  it('leaves unimplemented what it does not have', async () => {
    const request = new proto.GetMappingRequest();
    await assert.rejects(
      ask<proto.GetMappingResponse>((done) => client.getMapping(request, done)),
      { code: grpc.status.UNIMPLEMENTED },
    );
    const empty = new emptyProto.Empty();
    const info = await ask<{ getVersion(): string }>((done) => client.getPluginInfo(empty, done));
    assert.equal(info.getVersion(), '1.2.3');
  });
});

describe('marks of secrets', () => {
  it('are put back where the inputs had them, and on whole lists', () => {
    const inputs = { data: { a: secret('1') }, list: [{ b: secret('2') }], plain: 'p' };
    const outs = { data: { a: '1', c: '3' }, list: [{ b: '2' }], plain: 'p', more: {} };
    assert.deepEqual(markLike(outs, inputs), {
      data: { a: secret('1'), c: '3' },
      list: secret([{ b: '2' }]),
      plain: 'p',
      more: {},
    });
  });

  it('leave text of an SDK readable', () => {
    assert.equal(fromJson('true'), true);
    assert.deepEqual(fromJson('["1"]'), ['1']);
    assert.equal(fromJson('~/.kube/config'), '~/.kube/config');
  });
});
