package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"meshgate/framework/supplier"
)

func TestDoctorSaysWhoCanCompleteTheBundle(t *testing.T) {
	for _, f := range []struct {
		cached bool
		path   string
		saw    string
	}{
		{true, "", "all components are in the cache"},
		{false, "/opt/meshgate-bundle", "/opt/meshgate-bundle builds"},
		{false, "", "`make build`"},
	} {
		got := builder(f.cached, supplier.Program{Path: f.path})
		assert.True(t, got.OK)
		assert.Contains(t, got.Saw, f.saw)
	}
}
