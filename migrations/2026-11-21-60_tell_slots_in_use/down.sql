DROP FUNCTION slots_in_use();
