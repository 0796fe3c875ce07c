package service

import (
	"context"
	"fmt"
	"os"
)

// suitsAccount refuses a program that a service's account cannot run, which would be seen at the service's first start only: it lies in a
// person's home, say. Whatever the rights there are made of, it is tried.
func suitsAccount(ctx context.Context, s Setup, account string) error {
	var why string
	if (&Confinement{OwnTmp: true}).Hides(s.Program) {
		why = "the service has a /tmp and a /var/tmp of its own"
	} else {
		_, code, tried, err := AsAccount(ctx, Rights{Account: account}, "/", s.Program, "version")
		switch {
		case err != nil:
			why = err.Error()
		case tried && code != 0:
			why = fmt.Sprintf("%s cannot run it: exit code %d", account, code)
		default:
			return nil
		}
	}
	const place = "/usr/local/bin/dropferry"
	sudo := ""
	if os.Getenv("SUDO_USER") != "" {
		sudo = "sudo "
	}
	return fmt.Errorf("the service cannot run %s where it lies: %s. Put it where everybody can run it: `%sinstall -m 755 %s %s`, and then `%s%s service install%s`",
		s.Program, why, sudo, s.Program, place, sudo, place, NameFlag(s.Name))
}
