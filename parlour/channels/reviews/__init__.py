"""Reviews on Google Play, in the App Store and on Google Business Profile."""
