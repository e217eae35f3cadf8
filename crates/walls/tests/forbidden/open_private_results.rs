// What is for the steward alone takes the steward's proof, which cannot be made by hand.
use netdpsyn_formats::{Private, ParseReport, Steward};

fn opened(report: Private<ParseReport>) -> ParseReport {
    report.for_steward(&Steward(()))
}

fn main() {}
