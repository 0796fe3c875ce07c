package syncer

const childVariable = "DROPFERRY_TEST_CHILD"

func child(string) int { return 1 }
