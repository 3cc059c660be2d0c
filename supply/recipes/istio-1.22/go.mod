// Istio 1.22, the version to upgrade from.
module meshgate.local/bundle/istio-previous

go 1.22

require istio.io/istio v0.0.0-20240221233722-55f12a68b4f9

require (
)

replace (
	github.com/imdario/mergo => github.com/imdario/mergo v0.3.16
	istio.io/api => istio.io/api v1.22.0
	istio.io/client-go => istio.io/client-go v1.22.0
)
