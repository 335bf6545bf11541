// A Vault for rehearsals: HashiCorp's own server without its command, which carries the plugins and
// storages of every cloud and database, 20 minutes of compiling. What is here is theirs: core, HTTP
// API, seal, tokens, policies, audit device "file", secrets engine KV and auth method kubernetes.
//
// It comes up as a Vault does: not initialised, then sealed. What it has written is there after a
// restart, encrypted.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/helper/logging"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/vault"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8200", "address")
	storage := flag.String("storage", "", "directory, made where there is none")
	flag.Parse()
	if err := serve(*listen, *storage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(listen, storage string) error {
	logger := logging.NewVaultLogger(hclog.Warn)
	physical, err := file.NewFileBackend(map[string]string{"path": storage}, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           physical,
		StorageType:        "file",
		RedirectAddr:       "http://" + listen,
		Logger:             logger,
		DisableMlock:       true,
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{"kubernetes": kubernetes.Factory},
		AuditBackends:      map[string]audit.Factory{"file": audit.NewFileBackend},
		BuiltinRegistry:    builtin{},
	})
	if err != nil && vault.IsFatalError(err) {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{
			Core:           core,
			ListenerConfig: &configutil.Listener{Type: "tcp", Address: listen},
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
		return err
	case <-stop:
		server.Close()
		return core.Shutdown()
	}
}

// The plugins that are built in, by their kinds.
type builtin struct{}

var plugins = map[consts.PluginType][]string{
	consts.PluginTypeSecrets:    {"kv"},
	consts.PluginTypeCredential: {"kubernetes"},
}

func (builtin) Keys(kind consts.PluginType) []string { return plugins[kind] }

func (builtin) Contains(name string, kind consts.PluginType) bool {
	for _, each := range plugins[kind] {
		if each == name {
			return true
		}
	}
	return false
}

// They are made by their factories, and never asked for here.
func (builtin) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

func (b builtin) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, kind)
}

func (builtin) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
