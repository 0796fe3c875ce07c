package wine

import "time"

// Why tests are left out.
const (
	spelling = "wine gives no file another spelling of its name, and says that it has"
	noColon  = "no file of Windows has such a name"
	noLinks  = "wine 8 makes no symbolic links, and says that it has"
	openFile = "wine does not rename over a file that somebody reads, which Windows does"
	unlinked = "wine keeps the name of a removed file until nobody has it open any more"
	noWriter = "nobody can write to a file while the agent reads it: so it is under Windows"
	moved    = "wine tells of nothing in a directory that was renamed"
	rootHeld = "wine does not rename a directory that is watched"
	words    = "the test's own server cannot say it in the words of Unix"
	reset    = "an answer that comes before the request has ended is lost with the connection"
	noModes  = "nobody loses a right by a file's mode"
	slashes  = "what it wants to be said has the paths of Unix"
	noDevice = "it takes a second file system"
	twice    = "wine sets a file's times in two steps"
	flood    = "hundreds and thousands of files take minutes under wine"
	reborn   = "wine says that a directory was made when it last changed"
	folds    = "two names that differ by case are one file there: so it is under Windows"
)

// suites are the packages whose tests run under wine, each with what is left out.
func suites() []suite {
	return []suite{
		{name: "file", limit: 5 * time.Minute, least: 6},
		{name: "rights", limit: 5 * time.Minute, least: 10},
		{name: "control", limit: 5 * time.Minute, least: 20, skip: map[string]string{
			"TestRefusedCommands/too_long": reset,
		}},
		{name: "config", limit: 5 * time.Minute, least: 50, skip: map[string]string{
			"TestOverlapsSeeThroughLinks": noLinks,
		}},
		{name: "logs", limit: 5 * time.Minute, least: 10},
		{name: "cmd/dropferry", limit: 5 * time.Minute, least: 5},
		{name: "agent", limit: 5 * time.Minute, least: 15, skip: map[string]string{
			"TestACopyThatFailsIsToldOnce": noModes,
			"TestFolderFor":                noLinks,
			"TestReconcile":                slashes,
			"TestUnlinked":                 noLinks,
		}},
		{name: "service", limit: 5 * time.Minute, least: 20},
		{name: "state", limit: 10 * time.Minute, least: 80},
		{name: "watcher", limit: 10 * time.Minute, least: 50, skip: map[string]string{
			"TestExplain":                         noLinks,
			"TestReal":                            noLinks,
			"TestRunPollsBehindLinks":             noLinks,
			"TestRunFollowsLinksToWhatIsExcluded": noLinks,
			"TestRealPath":                        noLinks,
			"TestScanFollowsLinksInside":          noLinks,
			"TestRunFollowsLinksInside":           noLinks,
			"TestRunDirectoryReplacedByLink":      noLinks,
			"TestRunRootReplacedByLink":           noLinks,
			"TestScanSkipsWhatIsNoFile":           noLinks,
			"TestSurveyThroughLinks":              noLinks,
			"TestOpenRefuses":                     noLinks,
			"TestRunRootMovedAwayAndBack":         noLinks,
			"TestRunFollowsRenamedDirectory":      moved,
			"TestRunRootRemovedAndRecreated":      rootHeld,
			"TestScanOfReplacedRoot":              rootHeld,
			"TestReplacedWhileItIsRead":           openFile,
			"TestUnchangedNotices":                openFile,
			"TestRunWaitsForMarkers":              twice,
			"TestRunRemovedAndRecreatedDirectory": unlinked,
			"TestRunNestedDirectories":            flood,
		}},
		{name: "syncer", limit: 15 * time.Minute, least: 120, system: differing, core: 40, skip: map[string]string{
			"TestASourceReplacedAtTheLastMoment":                   openFile,
			"TestTwoDestinationsMayEndAVersionAtOnce":              openFile,
			"TestDirectoryReplacedByALink":                         noLinks,
			"TestHasLeftBehindALink":                               noLinks,
			"TestPartOfAFileGoesWhenItsSourceGoesMeanwhile":        unlinked,
			"TestAnotherNameLeavesTheEarlierOne":                   noColon,
			"TestServerWhoseClockIsAnHourOff":                      openFile,
			"TestCaseOnlyRename":                                   spelling,
			"TestCaseOnlyRenameThatWasCutOff":                      spelling,
			"TestCaseOnlyRenameOfDirectories":                      spelling,
			"TestCaseOnlyRenameOfADirectoryThatWasCutOff":          spelling,
			"TestDirectoryLeftUnderItsPrivateName":                 spelling,
			"TestADirectoryThatFoldsNames":                         spelling,
			"TestRemovalOfANamesake":                               spelling,
			"TestNamesThatCollide":                                 folds,
			"TestRemovedFromARenumberedFileSystem":                 reborn,
			"TestPutOfALocalFailure":                               openFile,
			"TestANewerVersionSupersedesOneThatIsBeingSent":        openFile,
			"TestAnUploadThatWasSupersededKeepsItsTempUntilItEnds": openFile,
			"TestAVersionThatIsBeingPublishedIsNotSuperseded":      openFile,
			"TestWithAWatcher":                                     noWriter,
			"TestOnceTellsOfAFileThatChanges":                      noWriter,
			"TestAFileThatChangesWhileItIsSent":                    noWriter,
			"TestATakeawayThatHadToWaitIsMadeUpFor":                noWriter,
			"TestASourceThatIsGoneIsDropped":                       unlinked,
			"TestNothingIsForgottenWhileTheFileSystemIsAway":       noDevice,
			"TestACopyThatWasCutOff":                               noDevice,
			"TestHasLeft":                                          reborn,
			"TestStoryEndsOnARenumberedFileSystem":                 reborn,
			"TestPreviewOfCollisions":                              folds,
			"TestManyBatches":                                      flood,
			"TestLargeFilesAreNotPassedForEver":                    flood,
			"TestManyTriggersShareALook":                           flood,
			"TestOnceEndsOnAFullDisk":                              words,
			"TestAFullDiskPausesTheDestination":                    words,
		}},
	}
}

// differing are the tests of syncer in which the system has a say: names and renames, files that somebody has open, paths, times, what is
// made to last. Those of the planner and of servers are the same everywhere.
var differing = []string{
	// Sources that are taken away, put back, archived, left behind.
	"TestTakeAway", "TestWhatHasTakenThePlaceOfASourceIsNeverTouched", "TestAttributesDoNotKeepASource", "TestARacySourceIsComparedByContent",
	"TestASourceIsNotTakenFromItsWriter", "TestEveryRouteMustHaveIt", "TestAMissingDirectoryEndsTheStory", "TestATakeawayIsDoneOnce",
	"TestARuleThatWasChangedFindsAnArchivePath", "TestArchive", "TestAnArchivedFileIsNeverReplaced", "TestADirectoryAtTheArchivePath",
	"TestACopyEndsWithTheProgram", "TestAnArchiveThatCannotBeWrittenKeepsTheFile", "TestRemnantsOfACrash", "TestNoRemnantIsDestroyedOnTooLittleEvidence",
	// Markers of files and of roots.
	"TestMarkersLeaveWithTheirFiles", "TestMarkerAfterACrash", "TestMarkerOfTheNextVersionStays", "TestSharedMarkersAndOtherThings",
	"TestMarkerCutOff", "TestMarkerOfAnotherRoot", "TestNoMarkerInAnEmptyRoot", "TestOldMarkerGetsAnID", "TestRootIsOnRecord",
	// Names and spellings.
	"TestCaseOnlyRenameOfAnotherFile",
	"TestRecordsOfPlaces", "TestRenamedBy", "TestElsewhere", "TestMoveIsARename", "TestSwappedNames", "TestOldNameDroppedAnew",
	// Files that change, and are open.
	"TestAFileThatSomebodyWritesToIsNotSent", "TestWhatWasPlannedIsTakenBack", "TestEachFileIsDeliveredOnce", "TestOnlyChangedContentIsSentAgain",
	"TestARacyFingerprintIsNotBelieved", "TestChangedFile", "TestGrownFile", "TestPartOfAFileGoesWithItsSource", "TestAChmodIsNoNewDelivery",
	"TestTheSourceStaysUntilEveryDestinationHasIt", "TestTheSameNameDroppedAgainIsANewDelivery", "TestWhatIsDroppedAgainBeforeItIsTakenAwayIsSentAgain",
	// Directories, clocks, and ends.
	"TestDirectoriesAboveAnEmptyOneGoWithIt", "TestDirectoryOfAFileThatWasNeverSentGoes", "TestClocksThatAreSet", "TestRecovery",
	"TestADeliveryUnderWayEndsWithinTheGrace", "TestADeliveryIsCutOffAfterTheGrace", "TestPutIsInterrupted",
}
