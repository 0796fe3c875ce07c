package service

import "testing"

func TestStateOfAUnit(t *testing.T) {
	for _, c := range []struct {
		name, shown string
		want        State
	}{
		{"none", "LoadState=not-found\nActiveState=inactive\nMainPID=0\nUnitFileState=\nConditionResult=no\n", State{Phase: Absent}},
		{
			"at work", "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nUser=dropferry\nUnitFileState=enabled\nStatusText=folders: 1, x=y\nResult=success\n",
			State{Phase: Running, PID: 42, Account: "dropferry", Boot: true, Status: "folders: 1, x=y"},
		},
		{
			"another program, of an archive", "ActiveState=active\nMainPID=42\nUser=x\nFragmentPath=/etc/systemd/system/dropferry.service\n" +
				"ExecStart={ path=/opt/dropferry/dropferry ; argv[]=/opt/dropferry/dropferry -c /etc/dropferry/agent.toml run ; ignore_errors=no }\n",
			State{Phase: Running, PID: 42, Account: "x", Program: "/opt/dropferry/dropferry"},
		},
		{
			"of a package", "ActiveState=active\nMainPID=42\nUser=x\nFragmentPath=/lib/systemd/system/dropferry.service\n",
			State{Phase: Running, PID: 42, Account: "x", Packaged: true},
		},
		{"loading anew", "ActiveState=reloading\nMainPID=42\nUnitFileState=disabled\n", State{Phase: Running, PID: 42, Account: "root"}},
		{
			"ended by itself", "ActiveState=failed\nMainPID=0\nUser=x\nUnitFileState=enabled-runtime\nResult=exit-code\nExecMainStatus=5\n",
			State{Phase: Failed, Account: "x", Boot: true, Status: "exit code 5"},
		},
		{"gave no sign", "ActiveState=failed\nUser=x\nResult=watchdog\nExecMainStatus=6\n", State{Phase: Failed, Account: "x", Status: "it gave no sign of life"}},
		{"too slow", "ActiveState=failed\nUser=x\nResult=timeout\n", State{Phase: Failed, Account: "x", Status: "it took too long"}},
		{"killed", "ActiveState=failed\nUser=x\nResult=signal\nExecMainStatus=9\n", State{Phase: Failed, Account: "x", Status: "signal 9"}},
		{"refused", "ActiveState=failed\nUser=x\nResult=resources\n", State{Phase: Failed, Account: "x", Status: "resources"}},
		{
			"between two starts", "ActiveState=activating\nSubState=auto-restart\nUser=x\nResult=exit-code\nExecMainStatus=1\n",
			State{Phase: Starting, Account: "x", Status: "it has ended and is started again soon: exit code 1"},
		},
		{"ending", "ActiveState=deactivating\nUser=x\nMainPID=3\n", State{Phase: Stopping, Account: "x", PID: 3}},
		{"never started", "ActiveState=inactive\nUser=x\nConditionResult=no\nConditionTimestamp=\n", State{Phase: Stopped, Account: "x"}},
		{
			"without a configuration", "ActiveState=inactive\nUser=x\nConditionResult=no\nConditionTimestamp=Sun 2026-11-29 17:00:00 UTC\n",
			State{Phase: Stopped, Account: "x", Status: "it was not started: there is no configuration at /etc/dropferry/erp.toml"},
		},
	} {
		c.want.Name = "dropferry@erp"
		if got := stateIn("dropferry@erp", propertiesIn(c.shown)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestStateOfADaemon(t *testing.T) {
	const running = "system/com.dropferry.agent = {\n\tactive count = 1\n\tpath = /Library/LaunchDaemons/com.dropferry.agent.plist\n\tstate = running\n\n\tprogram = /usr/local/bin/dropferry\n\tusername = erp\n\tpid = 42\n\tlast exit code = 1\n}\n"
	if got, want := launchdState("dropferry", running), (State{Name: "dropferry", Phase: Running, PID: 42, Account: "erp", Boot: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	const ended = "system/x = {\n\tstate = not running\n\tlast exit code = 5\n}\n"
	if got, want := launchdState("dropferry", ended), (State{Name: "dropferry", Phase: Stopped, Boot: true, Status: "exit code 5"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
