//go:build !windows

package agent

import "github.com/dropferry/dropferry/service"

// asService does nothing: root looks with the rights of the state directory's owner, by another process, and everybody else with
// rights of their own.
func (d *doctor) asService(service.State) {}
